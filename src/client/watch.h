// Watch: the events of one watch request, decoded. Used by one task at a time; destroying it ends the request.
#pragma once

#include <memory>
#include <string>

#include "api/object.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::client {

enum class EventType { Added, Modified, Deleted, Bookmark };

struct WatchEvent {
  EventType type = EventType::Added;
  api::Object object;               // a Bookmark's holds metadata.resourceVersion alone
  std::string resource_version;     // of the object
  bool initial_events_end = false;  // Bookmark that ends the initial events
};

class Watch {
 public:
  virtual ~Watch() = default;
  // The next event. Errors: what an ERROR event says (Expired/Gone: list again), Reason::ServiceUnavailable when the
  // stream ended (watch again from the last revision), Cancelled/Timeout from `ctx`.
  virtual rt::Task<Result<WatchEvent>> next(rt::Context ctx) = 0;
};

}  // namespace pintle::client
