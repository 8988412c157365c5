/* The recorded answers of all five gateways, one after another; the include path is the tests' bodies. */
    .section .rodata
    .global pt_recorded_start
    .global pt_recorded_end
pt_recorded_start:
    .incbin "jamespay.jsonl"
    .incbin "opn.jsonl"
    .incbin "shopline.jsonl"
    .incbin "smilepayz.jsonl"
    .incbin "uapay.jsonl"
pt_recorded_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
