#include "csi/outcome.h"

#include "net/grpc/channel.h"
#include "net/grpc/code.h"

namespace pintle::csi {

Outcome outcome_of(const Status& failed) {
  using net::grpc::Code;
  if (net::grpc::never_sent(failed)) return Outcome::NotAsked;
  if (failed.reason == Reason::RequestEntityTooLarge) return Outcome::Unknown;  // the answer was too long
  switch (net::grpc::code_of(failed)) {
    case Code::Cancelled:
    case Code::DeadlineExceeded:
    case Code::Unavailable:
    case Code::ResourceExhausted:
    case Code::Aborted:
    case Code::DataLoss: return Outcome::Unknown;
    default: return Outcome::Refused;
  }
}

}  // namespace pintle::csi
