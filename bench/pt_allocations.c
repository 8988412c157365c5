#include "pt_allocations.h"

#include <stdlib.h>

static _Thread_local uint64_t s_count;

uint64_t
pt_allocations_count(void)
{
    return s_count;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)

bool
pt_allocations_are_counted(void)
{
    return false;
}

#else

bool
pt_allocations_are_counted(void)
{
    return true;
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);

void *
malloc(size_t bytes)
{
    s_count++;
    return __libc_malloc(bytes);
}

void *
calloc(size_t count, size_t bytes)
{
    s_count++;
    return __libc_calloc(count, bytes);
}

void *
realloc(void *block, size_t bytes)
{
    s_count++;
    return __libc_realloc(block, bytes);
}

#endif
