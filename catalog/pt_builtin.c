/*  The catalog that is compiled in, opened on first use.
 *
 *  It stands apart from pt_catalog.c so that the engine links without an image: the compiler that
 *  makes the image is such a program.
 */
#include "pt_catalog.h"
#include "pt_image.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pt_catalog_t *s_catalog;

//  The image passes the same checks as any other. One that does not is a broken build, and there is
//  nothing to classify with.
static void
s_open_builtin(void)
{
    pt_status_t status = pt_catalog_open((pt_bytes_t) {pt_builtin_image, pt_builtin_image_bytes}, &s_catalog);
    if (status != PT_OK) {
        (void) fprintf(stderr, "paytriage: the built-in catalog does not open: %s\n", pt_status_text(status));
        abort();
    }
}

const pt_catalog_t *
pt_catalog_builtin(void)
{
    (void) pthread_once(&s_once, s_open_builtin);
    return s_catalog;
}
