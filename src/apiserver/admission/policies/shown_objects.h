// ShownObjects: the objects of one request in the versions that policies select it in, each made once.
#pragma once

#include <map>
#include <optional>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission::policies {

// Lives with the task of one plugin; `a` outlives it.
class ShownObjects {
 public:
  explicit ShownObjects(const AdmissionAttributes& a) : a_(a) {}

  struct Shown {
    const api::Object* object = nullptr;      // nullptr: the request has none
    const api::Object* old_object = nullptr;  // the same
  };
  // nullopt: as the attributes have them. Valid until changed(). Whatever the conversion fails with.
  rt::Task<Result<Shown>> in(rt::Context ctx, std::optional<std::size_t> version);
  // The object of the attributes is another one now.
  void changed();

 private:
  struct Kept {
    std::optional<api::Object> object, old_object;
  };
  const AdmissionAttributes& a_;
  std::map<std::size_t, Kept> kept_;
};

}  // namespace pintle::apiserver::admission::policies
