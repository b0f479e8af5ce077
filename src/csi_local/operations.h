// Operations: which volumes and snapshots are being changed. As the specification asks, a second change of one is Aborted, and asked for again.
// Belongs to one executor.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "net/grpc/code.h"

namespace pintle::csi_local {

class Operations {
 public:
  class Held {
   public:
    Held(Operations& operations, std::string id) : operations_(&operations), id_(std::move(id)) {}
    Held(Held&& other) noexcept : operations_(std::exchange(other.operations_, nullptr)), id_(std::move(other.id_)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (operations_) operations_->under_way_.erase(id_);
    }

   private:
    Operations* operations_;
    std::string id_;
  };
  Result<Held> begin(std::string id) {
    if (under_way_.insert(id).second) return Held(*this, std::move(id));
    return Unexpected(net::grpc::to_status(net::grpc::Code::Aborted, "an operation on " + id + " is under way"));
  }

 private:
  std::set<std::string, std::less<>> under_way_;
};

}  // namespace pintle::csi_local
