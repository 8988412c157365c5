/*  Decide one gateway response without a bus: cc classify.c $(pkg-config --cflags --libs paytriage) */
#include <paytriage/pt_json.h>
#include <paytriage/pt_policy.h>
#include <paytriage/pt_response.h>

#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
    pt_text_t json = PT_TEXT("{\"id\": \"r1\", \"provider\": \"opn\", \"http_status\": 200, \"body\": {\"object\": "
                             "\"charge\", \"status\": \"failed\", \"failure_code\": \"insufficient_fund\"}}");
    uint8_t *bytes;
    size_t len;
    char error[PT_ERROR_BYTES_MAX];
    if (pt_json_to_msgpack(json, &bytes, &len, error) != PT_OK)
        return fprintf(stderr, "%s\n", error), 1;

    pt_response_t response;
    if (pt_response_decode((pt_bytes_t) {bytes, len}, &response, error) != PT_OK)
        return fprintf(stderr, "%s\n", error), 1;

    const pt_catalog_t *catalog = pt_catalog_builtin();
    const pt_provider_t *provider = pt_catalog_provider(catalog, response.provider);
    static pt_facts_t facts;
    pt_verdict_t verdict;
    pt_decision_t decision;
    pt_facts_extract(&response, pt_provider_shape(provider), &facts);
    pt_catalog_lookup(catalog, provider, &response, &facts, &verdict);
    pt_policy_decide(&verdict, &response, &facts, pt_catalog_hash(catalog), 0, &decision);

    printf("%s: %s (%s)\n", pt_route_text(decision.route), pt_action_text(decision.action),
           pt_category_text(decision.category));
    pt_facts_release(&facts);
    free(bytes);
    return 0;
}
