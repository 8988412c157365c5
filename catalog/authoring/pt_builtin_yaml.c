/*  Names for the bytes of pt_builtin_yaml.S. */
#include "pt_builtin_yaml.h"

#include <assert.h>

#define S_DECLARE(name) extern const uint8_t pt_yaml_##name[], pt_yaml_##name##_end[]
#define S_FILE(name)                                                                                                   \
    {                                                                                                                  \
        "builtin/" #name ".yaml", pt_yaml_##name, pt_yaml_##name##_end                                                 \
    }

S_DECLARE(opn);
S_DECLARE(jamespay);
S_DECLARE(shopline);
S_DECLARE(smilepayz);
S_DECLARE(uapay);

pt_compile_file_t
pt_builtin_yaml(size_t index)
{
    static const struct {
        const char *name;
        const uint8_t *start, *end;
    } files[PT_BUILTIN_YAML_COUNT] = {S_FILE(opn), S_FILE(jamespay), S_FILE(shopline), S_FILE(smilepayz),
                                      S_FILE(uapay)};
    assert(index < PT_BUILTIN_YAML_COUNT);

    return (pt_compile_file_t) {
        files[index].name, {files[index].start, (size_t) (files[index].end - files[index].start)}, true};
}
