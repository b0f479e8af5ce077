// Outcome: what is known of a volume after a call to its driver has failed. Pure.
#pragma once

#include "base/status.h"

namespace pintle::csi {

enum class Outcome {
  // The driver says no: nothing is in progress, and what was asked for was not done (or undone).
  Refused,
  // No deadline, connection or busy driver tells: it may have been done, or may be under way. The call is to be repeated, or its
  // opposite made, before the volume is forgotten.
  Unknown,
  // The driver was not reached: all is as it was before the call, known or not.
  NotAsked,
};

// Of the error of a call (Driver's). The codes are upstream's: Cancelled, DeadlineExceeded, Unavailable, ResourceExhausted and Aborted
// leave it open; so does, here, an answer that cannot be read.
Outcome outcome_of(const Status& failed);

}  // namespace pintle::csi
