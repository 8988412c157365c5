/*  pt_status: the one result type, and its words.
 *
 *  Every function that can fail on bytes, files or resources returns one of these. Bugs of our
 *  own are asserted instead; see docs/ARCHITECTURE.md.
 */
#ifndef PT_STATUS_H
#define PT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define PT_MUST_CHECK __attribute__((warn_unused_result))

typedef enum {
    PT_OK = 0,
    PT_E_TRUNCATED, //  the bytes end inside a value
    PT_E_TRAILING,  //  bytes follow the value
    PT_E_MALFORMED, //  not msgpack, or not the text that it should be
    PT_E_TYPE,      //  a value of another type than the key asks for
    PT_E_MISSING,   //  a required key or frame is absent
    PT_E_RANGE,     //  a number or name outside its bounds
    PT_E_DUPLICATE, //  a key stands twice
    PT_E_UTF8,      //  text that is not UTF-8
    PT_E_DEPTH,     //  nested deeper than the limit
    PT_E_SIZE,      //  more bytes than the limit
    PT_E_COUNT,     //  more items than the limit, or not as many as announced
    PT_E_VERSION,   //  a version that this build does not speak
    PT_E_KIND,      //  a message kind that this side does not take
    PT_E_CHECKSUM,  //  the bytes are not the ones that were checksummed
    PT_E_SPACE,     //  the caller's output buffer is too small
    PT_E_SYNTAX,    //  a catalog or configuration file with faults
    PT_E_NOT_FOUND, //  no such file, entry or name
    PT_E_NOMEM,     //  no memory
    PT_E_IO,        //  the operating system refused; errno says why
} pt_status_t;

/*  The status in a few lower-case words, such as "truncated". Never NULL; static text. */
const char *pt_status_text(pt_status_t status);

#ifdef __cplusplus
}
#endif
#endif
