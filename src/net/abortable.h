// Abortable: what every ResponseWriter of this folder is too: an answer that can be broken off from outside the task that
// writes it. Apart from http.h, as only who bounds answers in time needs it.
#pragma once

namespace pintle::net {

class Abortable {
 public:
  virtual ~Abortable() = default;
  // Ends the answer at once, also under a write() that waits, which then fails: the peer sees a reset (HTTP/2) or the end
  // of the connection (HTTP/1.1). On the executor of the handler, which still has to return.
  virtual void abort() = 0;
};

}  // namespace pintle::net
