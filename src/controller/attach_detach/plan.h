// What becomes of one volume: on which nodes it is to be attached now, and which may lose it. Pure.
// A volume leaves a node when no pod there needs it and the node says that it does not use it; what the node says no longer counts when it is out of
// service, or when it is not ready and six minutes have passed. One that may be on one node alone waits until the others have lost it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rt/clock.h"

namespace pintle::controller::attach_detach {

inline constexpr rt::Duration unmount_wait_max = std::chrono::minutes(6);
inline constexpr rt::Duration attach_wait_max = std::chrono::minutes(2);  // then pods are told that the attacher does not answer

// The volume's VolumeAttachment for a node.
struct AttachmentView {
  bool attached = false;
  bool deleting = false;
  std::string error;  // of the last try to attach it
};

struct NodeView {
  bool wanted = false;     // pods there need it
  bool known = false;      // it is, or may be, attached by us
  bool confirmed = false;  // it was attached, and the node's status tells so
  std::optional<AttachmentView> attachment;
  bool in_use = false;
  bool healthy = false;
  bool out_of_service = false;
  rt::Duration unwanted_for{};  // since no pod needs it
  rt::Duration asked_for{};     // since its attachment was made, or since pods were told
};

struct Observed {
  bool attachable = true;    // the driver asks for attachments
  bool multi_attach = true;  // the volume may be on several nodes
  std::map<std::string, NodeView> nodes;
  bool force_on_timeout = true;
};

struct Step {
  enum class Kind {
    Detach,        // first off the node's status, then the attachment
    Forget,        // its attachment is gone
    Attach,        // make the attachment
    Confirm,       // it is attached: into the node's status, and the pods are told
    TellError,     // the attacher has failed
    TellTimeout,   // the attacher does not answer
    TellElsewhere  // it is on another node, and may not be on two
  };
  Kind kind;
  std::string node;
  std::string_view forced;          // Detach: why the node was not asked ("timeout", "out-of-service"); "": it was
  std::vector<std::string> others;  // TellElsewhere: where it is
};

struct Plan {
  std::vector<Step> steps;  // in order
  std::optional<rt::Duration> look_again;
};
Plan plan_volume(const Observed& observed);

}  // namespace pintle::controller::attach_detach
