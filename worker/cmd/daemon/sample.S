/*  The demo's responses, as they stand in sample.jsonl. */
//  Says that this file is fit for control-flow protection, which the linker drops when one is not.
#if defined(__CET__)
#include <cet.h>
#endif
    .section .rodata
    .global pt_sample, pt_sample_end
pt_sample:
    .incbin PT_SAMPLE_FILE
pt_sample_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
