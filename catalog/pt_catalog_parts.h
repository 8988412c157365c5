/*  pt_catalog_parts: the inside of a catalog and its gateways; for pt_catalog.c and pt_lookup*.c only. */
#ifndef PT_CATALOG_PARTS_H
#define PT_CATALOG_PARTS_H

#include "pt_catalog.h"
#include "pt_image.h"

struct pt_provider {
    const pt_image_t *image;
    const pt_gateway_t *gateway;
    pt_text_t id;
    pt_text_t name;
    pt_shape_t shape;
    unsigned codes_without_payer; //  bit n: a code at place n is about nothing that a payer pays
    uint16_t index;
};

//  A gateway whose id is found by a number of it, without the hash: a body is read by its gateway's shape, so all
//  that a body says waits for the gateway.
#define PT_NEAR_BYTES 16
typedef struct {
    char id[PT_NEAR_BYTES];
    size_t len; //  0: none
    const pt_provider_t *provider;
} pt_near_t;

struct pt_catalog {
    pt_image_t image;
    pt_near_t near[PT_SHAPE_KEYS]; //  by pt_shape_key of the id
    const uint8_t *bytes;          //  the image itself
    size_t mapped_bytes;           //  0: allocated
    pt_provider_t *providers;
    //  Of all providers, as their shapes need them.
    pt_path_t *paths;
    pt_fork_t *forks;
    pt_step_t *steps;
};

#endif
