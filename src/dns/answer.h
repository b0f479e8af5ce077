// The answers of the cluster domain: the Kubernetes DNS specification 1.1, in CoreDNS' manner where that leaves room.
// Pure: a query and the zone in, records out.
#pragma once

#include "dns/message.h"
#include "dns/writer.h"
#include "dns/zone.h"

namespace pintle::dns {

// CNAMEs inside the cluster domain that are followed for one answer (CoreDNS' bound).
constexpr int cnames_max = 7;

enum class Next {
  Send,     // the writer holds the answer
  Forward,  // not ours: ask the upstream servers
  Chase,    // the writer holds a CNAME out of the cluster domain; what `target` has for the query's type belongs behind it
};
struct Answer {
  Next next = Next::Send;
  Name target;
};

// `turn` picks where lists of addresses begin, so that clients that take the first one spread.
Answer answer(const Query& query, const Zone& zone, uint32_t turn, Writer& writer);

}  // namespace pintle::dns
