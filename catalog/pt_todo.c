//  The stock sentences stand beside policy, not in the model: they are advice to people, and no
//  part of the wire.

#include "pt_todo.h"

pt_text_t
pt_action_todo(pt_action_t action)
{
    switch (action) {
    case PT_ACTION_NONE:
        return PT_TEXT("Nothing needs to be done.");
    case PT_ACTION_RESUBMIT:
        return PT_TEXT("Send the same request again after the delay.");
    case PT_ACTION_QUERY_STATUS:
        return PT_TEXT("Ask the gateway what became of the order before sending anything else.");
    case PT_ACTION_REFRESH_CREDENTIALS:
        return PT_TEXT("Check or renew the key, token or signature set-up, then send the request again.");
    case PT_ACTION_FIX_REQUEST:
        return PT_TEXT("Correct the data of this request; sending it unchanged fails again.");
    case PT_ACTION_FIX_CONFIGURATION:
        return PT_TEXT("Change the merchant's settings at the gateway, then send the request again.");
    case PT_ACTION_TOP_UP:
        return PT_TEXT("Top up the merchant's balance at the gateway, then send the request again.");
    case PT_ACTION_CHANGE_INSTRUMENT:
        return PT_TEXT("Ask the payer to pay with another card, account or method.");
    case PT_ACTION_NEW_ORDER:
        return PT_TEXT("This order is over; create a new one if the payment is still wanted.");
    case PT_ACTION_CONTACT_PROVIDER:
        return PT_TEXT("Contact the gateway's staff with the full response; nobody else can act on it.");
    case PT_ACTION_INVESTIGATE:
    case PT_ACTION_COUNT_:
        break;
    }
    return PT_TEXT("Read the full response and find out what the gateway means before doing anything else.");
}
