/*  preload: has a program load a library first, from any path. */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  Two variables of the environment, "NAME=VALUE".
typedef struct {
    char folder[PATH_MAX + 32];
    char name[NAME_MAX + 32];
} preload_t;

//  ld.so takes a path with a space in it for two, but no folder. NULL: no library.
static inline preload_t
preload_of(const char *library)
{
    char path[PATH_MAX] = "/";
    preload_t self;
    if (library && !realpath(library, path))
        abort();
    char *slash = strrchr(path, '/');
    snprintf(self.name, sizeof(self.name), "LD_PRELOAD=%s", slash + 1);
    *slash = '\0';
    snprintf(self.folder, sizeof(self.folder), "LD_LIBRARY_PATH=%s", path);
    return self;
}

#endif
