/*  pt_builtin_yaml: the sources of the built-in catalog, in the order in which it is compiled. */
#ifndef PT_BUILTIN_YAML_H
#define PT_BUILTIN_YAML_H

#include "pt_compile.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_BUILTIN_YAML_COUNT 5

/*  Static; replaceable, and named "builtin/opn.yaml". index < PT_BUILTIN_YAML_COUNT. */
pt_compile_file_t pt_builtin_yaml(size_t index);

#ifdef __cplusplus
}
#endif
#endif
