/*  The translations as they stand in catalog/texts. */
    .section .rodata
    .macro texts name, file
    .global pt_texts_\name, pt_texts_\name\()_end
pt_texts_\name:
    .incbin "\file"
pt_texts_\name\()_end:
    .byte 0
    .endm
    texts th, "th.yaml"
    texts zh_hant, "zh-Hant.yaml"
    texts uk, "uk.yaml"
    .section .note.GNU-stack, "", %progbits
