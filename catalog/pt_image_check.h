/*  pt_image_check: whether what stands in an image's sections can be followed.
 *
 *  For pt_image only. Every check looks at an element and at the header, and never where the element
 *  points to: so elements may be checked in any order, and before anybody knows that the image is whole.
 */
#ifndef PT_IMAGE_CHECK_H
#define PT_IMAGE_CHECK_H

#include "pt_image.h"

#ifdef __cplusplus
extern "C" {
#endif

//  Summed up, then checked: small enough to stay in the cache meanwhile. Measured: 32 KB to 256 KB are slower.
#define PT_IMAGE_STEP_BYTES ((size_t) 16 * 1024)

/*  Whether what concerns the image as a whole is good: the measures of its hash table, the counts of ids. */
bool pt_image_are_measures_good(const pt_image_t *self);

/*  Whether elements [first, first + count) of a section are good. They stand inside of the image. */
bool pt_image_are_good(const pt_image_t *self, pt_section_t section, uint32_t first, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
