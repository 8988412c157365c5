/*  The gateways' files as they stand in catalog/providers, so that overlays can be laid over them. */
//  Says that this file is fit for control-flow protection, which the linker drops when one is not.
#if defined(__CET__)
#include <cet.h>
#endif
    .section .rodata
    .macro provider name
    .global pt_yaml_\name, pt_yaml_\name\()_end
pt_yaml_\name:
    .incbin "\name\().yaml"
pt_yaml_\name\()_end:
    .byte 0
    .endm
    provider opn
    provider jamespay
    provider shopline
    provider smilepayz
    provider uapay
    .section .note.GNU-stack, "", %progbits
