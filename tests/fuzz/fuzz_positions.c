//  A subscriber's positions against workers that say anything at all. The input is one header frame, as the golden
//  vectors are, or a story: each piece begins with a letter, and small numbers make that answers meet their requests.
#include <string.h>

#include "fuzz.h"
#include "pt_positions.h"

typedef struct {
    const uint8_t *at, *end;
    pt_positions_t *positions;
    pt_request_t request; //  the latest
    int64_t now_ms;
} s_story_t;

static const char *const s_topics[] = {"retry.opn.", "retry.-.", "dead_letter.uapay."};

static uint64_t
s_number(s_story_t *story)
{
    uint64_t number = story->at < story->end ? *story->at++ : 0;
    if (number < 0xf0)
        return number;
    //  Far away, and the end of the range.
    return number & 1 ? PT_WIRE_INTEGER_MAX - (number >> 1 & 3) : UINT64_C(1) << (number & 31);
}

//  From `least` to what the wire has: all that a decoder lets through.
static uint64_t
s_from(s_story_t *story, uint64_t least)
{
    uint64_t number = s_number(story);
    number = number > PT_WIRE_INTEGER_MAX ? PT_WIRE_INTEGER_MAX - (number & 3) : number;
    return number < least ? least : number;
}

static pt_text_t
s_topic(s_story_t *story)
{
    return pt_text_of(s_topics[s_number(story) % 3]);
}

static void
s_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next)
{
    (void) context, (void) worker, (void) epoch;
    fuzz_touch(topic.data, topic.len);
    FUZZ_REQUIRE(first < next);
}

static void
s_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) context, (void) worker, (void) epoch;
    FUZZ_REQUIRE((unsigned) fault < PT_FAULT_COUNT_);
}

//  What may be delivered lies inside of the message.
static void
s_deliver(s_story_t *story, const pt_decisions_t *decisions, const pt_arrived_t *arrived)
{
    if (arrived->arrival != PT_ARRIVAL_DELIVER || !arrived->stream)
        return;
    uint64_t next = decisions->first_seq + decisions->count;
    FUZZ_REQUIRE(arrived->from_seq >= decisions->first_seq && arrived->from_seq < next);
    for (uint64_t seq = arrived->from_seq; seq < next && seq < arrived->from_seq + 4; seq++)
        pt_positions_delivered(story->positions, arrived->stream, seq + 1);
}

static void
s_take_decisions(s_story_t *story, pt_text_t topic, const pt_decisions_t *decisions)
{
    pt_arrived_t arrived;
    if (pt_positions_decisions(story->positions, topic, decisions, &arrived) == PT_OK)
        s_deliver(story, decisions, &arrived);
}

static void
s_take_fetched(s_story_t *story, pt_text_t topic, const pt_decisions_t *decisions)
{
    pt_arrived_t arrived;
    pt_positions_fetched(story->positions, story->request.req_id, topic, decisions, story->now_ms, &arrived);
    FUZZ_REQUIRE(arrived.arrival != PT_ARRIVAL_HOLD);
    s_deliver(story, decisions, &arrived);
}

static void
s_ask(s_story_t *story, bool acks)
{
    pt_request_t request;
    for (unsigned count = 0; pt_positions_ask(story->positions, acks, story->now_ms, &request); count++) {
        FUZZ_REQUIRE(count <= 2 * PT_POSITIONS_REQUESTS_MAX);
        FUZZ_REQUIRE(request.topic_count <= PT_HEADS_MAX);
        fuzz_touch(request.topic.data, request.topic.len);
        for (size_t i = 0; i < request.topic_count; i++)
            fuzz_touch(request.topics[i].topic.data, request.topics[i].topic.len);
        story->request = request;
    }
}

static pt_decisions_t
s_make_decisions(s_story_t *story)
{
    pt_decisions_t decisions = {.worker = s_number(story) % 4, .epoch = s_from(story, 0)};
    decisions.flags = (uint32_t) s_number(story) & (PT_FLAG_LIVE | PT_FLAG_REPLAY);
    decisions.count = (uint32_t) (s_number(story) % PT_BATCH_COUNT_MAX) + 1;
    if (decisions.flags & PT_FLAG_LIVE)
        return decisions;
    decisions.first_seq = s_from(story, 1) % (PT_WIRE_INTEGER_MAX - PT_BATCH_COUNT_MAX) + 1;
    decisions.head_seq = s_from(story, decisions.first_seq + decisions.count);
    return decisions;
}

static void
s_tell_head(s_story_t *story)
{
    pt_text_t topic = s_topic(story);
    pt_head_t head = {.worker = s_number(story) % 4, .epoch = s_from(story, 0)};
    head.first_retained = s_from(story, 1);
    head.head_seq = s_from(story, head.first_retained);
    head.replay_endpoint = pt_text_of(s_number(story) & 1 ? "tcp://127.0.0.1:5574" : "");
    FUZZ_REQUIRE(pt_positions_head(story->positions, topic, &head) == PT_OK);
}

static void
s_tell_opened(s_story_t *story)
{
    static pt_opened_t opened;
    opened = (pt_opened_t) {.req_id = story->request.req_id, .worker = s_number(story) % 4, .epoch = s_from(story, 0)};
    opened.topic_count = s_number(story) % 5;
    opened.more = opened.topic_count && s_number(story) & 1;
    for (size_t i = 0; i < opened.topic_count; i++) {
        pt_topic_place_t *place = &opened.topics[i];
        *place = (pt_topic_place_t) {.topic = s_topic(story), .first_retained = s_from(story, 1)};
        place->head_seq = s_from(story, place->first_retained);
        place->position = s_from(story, 1) % place->head_seq + 1;
    }
    FUZZ_REQUIRE(pt_positions_opened(story->positions, &opened, story->now_ms) == PT_OK);
}

static void
s_tell_short_answer(s_story_t *story, unsigned kind)
{
    pt_end_t end = {.req_id = story->request.req_id, .next_seq = s_from(story, 1)};
    end.head_seq = s_from(story, end.next_seq);
    pt_truncated_t truncated = {.req_id = end.req_id, .first_retained = end.next_seq};
    pt_bad_epoch_t bad_epoch = {.req_id = end.req_id, .epoch = end.next_seq};
    pt_refused_t refused = {.req_id = end.req_id, .refusal = (pt_refusal_t) (end.next_seq % PT_REFUSAL_COUNT_)};
    if (kind == 0)
        pt_positions_end(story->positions, &end, story->now_ms);
    else if (kind == 1)
        pt_positions_truncated(story->positions, &truncated, story->now_ms);
    else if (kind == 2)
        pt_positions_bad_epoch(story->positions, &bad_epoch, story->now_ms);
    else if (kind == 3)
        pt_positions_subacked(story->positions, end.req_id, story->now_ms);
    else
        pt_positions_refused(story->positions, &refused, story->now_ms);
}

static void
s_tell(s_story_t *story)
{
    pt_decisions_t decisions;
    unsigned piece = *story->at++ % 12;
    if (piece == 0) {
        s_tell_head(story);
    } else if (piece <= 2) {
        pt_text_t topic = s_topic(story);
        decisions = s_make_decisions(story);
        if (piece == 1)
            s_take_decisions(story, topic, &decisions);
        else
            s_take_fetched(story, topic, &decisions);
    } else if (piece == 3) {
        s_tell_opened(story);
    } else if (piece <= 8) {
        s_tell_short_answer(story, piece - 4);
    } else if (piece == 9) {
        story->now_ms += (int64_t) (s_number(story) & 0xff) * 100;
    } else if (piece == 10) {
        pt_positions_hurry(story->positions);
    } else {
        s_ask(story, s_number(story) & 1);
    }
}

//  A vector: what a header frame says, first as the news of a stranger and then as an answer.
static void
s_tell_frame(s_story_t *story, pt_bytes_t frame)
{
    static pt_opened_t opened;
    pt_decisions_t decisions;
    pt_head_t head;
    if (pt_decisions_decode(frame, &decisions) == PT_OK) {
        s_take_decisions(story, pt_text_of(s_topics[0]), &decisions);
        s_take_fetched(story, pt_text_of(s_topics[0]), &decisions);
    }
    if (pt_head_decode(frame, &head) == PT_OK)
        FUZZ_REQUIRE(pt_positions_head(story->positions, pt_text_of(s_topics[0]), &head) == PT_OK);
    s_ask(story, true);
    if (pt_opened_decode(frame, &opened) == PT_OK) {
        opened.req_id = story->request.req_id;
        FUZZ_REQUIRE(pt_positions_opened(story->positions, &opened, story->now_ms) == PT_OK);
    }
    s_ask(story, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool frame = data[0] >> 4 == 9;
    pt_positions_options_t options = {.mode = frame ? PT_POSITIONS_DURABLE : (pt_positions_mode_t) (data[0] % 3),
                                      .since_start = data[0] & 8};
    pt_positions_handlers_t handlers = {NULL, s_lost, s_fault};
    s_story_t story = {.at = data + 1, .end = data + size, .now_ms = 1000};
    story.positions = pt_positions_new(&options, &handlers);
    FUZZ_REQUIRE(story.positions);
    if (frame)
        s_tell_frame(&story, (pt_bytes_t) {data, size});
    while (!frame && story.at < story.end)
        s_tell(&story);
    (void) pt_positions_is_level(story.positions);
    (void) pt_positions_is_acked(story.positions);
    (void) pt_positions_due_ms(story.positions);
    pt_positions_destroy(&story.positions);
    return 0;
}
