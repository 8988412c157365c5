/*  pt_build: a checked source into one image.
 *
 *  The same source always gives the same bytes. Each key is looked up again before the image is
 *  handed out, so that a builder's mistake cannot ship.
 */
#ifndef PT_BUILD_H
#define PT_BUILD_H

#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Build an image. On PT_OK the caller owns *out_image (free()). PT_E_SYNTAX: two entries claim
 *  the same key, or a name is bad; the faults say which. Limits are
 *  PT_E_COUNT and PT_E_SIZE; PT_E_NOMEM; PT_E_MALFORMED: the finished image does not pass its own
 *  checks, a mistake of the builder.
 */
PT_MUST_CHECK pt_status_t pt_build_image(const pt_source_t *source, pt_faults_t *faults, uint8_t **out_image,
                                         size_t *out_bytes);

#ifdef __cplusplus
}
#endif
#endif
