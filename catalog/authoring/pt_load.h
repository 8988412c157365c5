/*  pt_load: a catalog out of files, as every command takes it.
 *
 *  -  No path: the built-in catalog.
 *  -  One image file: that image, in the place of the built-in catalog.
 *  -  YAML files and folders of them (*.yaml and *.yml, but not *.test.yaml, which are tests): these
 *     beside the built-in ones. A file that describes a built-in gateway whole replaces it, an overlay
 *     changes it (pt_overlay.h).
 */
#ifndef PT_LOAD_H
#define PT_LOAD_H

#include "pt_catalog.h"
#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_LOAD_PATHS_MAX 256
#define PT_LOAD_FILES_MAX 65536

typedef struct {
    const char *paths[PT_LOAD_PATHS_MAX];
    size_t path_count;
    bool without_builtin; //  only what the paths hold
    bool keep_origins;
    bool yaml_only; //  an image is refused: the caller needs the sources
} pt_load_options_t;

typedef enum {
    PT_LOAD_OK,
    PT_LOAD_FAULTS,     //  the YAML is at fault: see `faults`
    PT_LOAD_UNREADABLE, //  a path cannot be read: see `error`
    PT_LOAD_REFUSED,    //  an image that must not be used, or that stands where none may: see `error`
    PT_LOAD_NO_MEMORY,
} pt_load_result_t;

typedef struct {
    pt_catalog_t *catalog; //  owned; only with PT_LOAD_OK
    pt_source_t source;    //  empty where an image was loaded
    pt_faults_t faults;    //  warnings too
    size_t file_count;     //  read from the paths
    char error[512];
} pt_load_t;

/*  Load. Zeroes *out_load first; release it with pt_load_clear whatever the result. */
pt_load_result_t pt_load(const pt_load_options_t *options, pt_load_t *out_load);

void pt_load_clear(pt_load_t *self);

//  The names of files, in the order in which they are read.
typedef struct {
    char **paths; //  owned
    size_t count;
} pt_paths_t;

/*  Add a file, or the files of a folder in the order of their names. `tests` chooses *.test.yaml instead
 *  of the others. False, with errno set (ENOENT: no such files in the folder); what was added stays.
 */
bool pt_paths_add(pt_paths_t *self, const char *path, bool tests);
void pt_paths_clear(pt_paths_t *self);

#ifdef __cplusplus
}
#endif
#endif
