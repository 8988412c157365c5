/*  Fixed places and explicit byte order, so that a file can be read on another machine. */
#include "pt_outbox_record.h"

#include "pt_crc.h"

//  "PTOB", as its bytes stand in the file.
static const uint8_t s_magic[4] = {'P', 'T', 'O', 'B'};

#define S_CRC_AT 4
#define S_COVERED_AT 8 //  the checksum's first byte

static void
s_put(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t) (value >> (8 * i));
}

static uint64_t
s_get(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t) bytes[i] << (8 * i);
    return value;
}

static uint32_t
s_checksum(const uint8_t *head, pt_bytes_t payload)
{
    uint32_t crc = pt_crc32(0, head + S_COVERED_AT, PT_OUTBOX_RECORD_BYTES - S_COVERED_AT);
    return payload.len ? pt_crc32(crc, payload.data, payload.len) : crc;
}

void
pt_outbox_record_encode(const pt_outbox_record_t *record, pt_bytes_t payload, uint8_t out[PT_OUTBOX_RECORD_BYTES])
{
    memcpy(out, s_magic, sizeof s_magic);
    s_put(out + 8, record->type, 4);
    s_put(out + 12, payload.len, 4);
    for (size_t i = 0; i < 3; i++)
        s_put(out + 16 + 8 * i, record->value[i], 8);
    s_put(out + 40, record->responses, 8);
    s_put(out + 48, record->hash, 8);
    s_put(out + 56, record->synced, 8);
    s_put(out + S_CRC_AT, s_checksum(out, payload), 4);
}

bool
pt_outbox_record_decode(const uint8_t bytes[PT_OUTBOX_RECORD_BYTES], pt_outbox_record_t *out_record)
{
    uint64_t type = s_get(bytes + 8, 4);
    out_record->payload_len = (uint32_t) s_get(bytes + 12, 4);
    for (size_t i = 0; i < 3; i++)
        out_record->value[i] = s_get(bytes + 16 + 8 * i, 8);
    out_record->responses = s_get(bytes + 40, 8);
    out_record->hash = s_get(bytes + 48, 8);
    out_record->synced = s_get(bytes + 56, 8);
    if (memcmp(bytes, s_magic, sizeof s_magic) != 0 || type < PT_OUTBOX_BEGIN || type > PT_OUTBOX_COMPLETE ||
        out_record->payload_len > PT_BATCH_BYTES_MAX)
        return false;
    out_record->type = (pt_outbox_type_t) type;
    return true;
}

bool
pt_outbox_record_check(const uint8_t bytes[PT_OUTBOX_RECORD_BYTES], pt_bytes_t payload)
{
    return s_get(bytes + S_CRC_AT, 4) == s_checksum(bytes, payload);
}
