/*  The demo's responses, as they stand in sample.jsonl. */
    .section .rodata
    .global pt_sample, pt_sample_end
pt_sample:
    .incbin PT_SAMPLE_FILE
pt_sample_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
