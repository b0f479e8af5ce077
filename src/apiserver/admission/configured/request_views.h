// RequestViews: the objects of one request in the versions that webhooks ask for, each made and written once, whoever gets it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "apiserver/admission/configured/review.h"

namespace pintle::apiserver::admission::configured {

// Lives with the task of one plugin; `a` outlives it.
class RequestViews {
 public:
  explicit RequestViews(const AdmissionAttributes& a) : a_(a) {}

  struct View {
    api::Object object;      // empty: the request has none
    api::Object old_object;  // the same
    ReviewedObjects texts;   // of both
  };
  // `index`: among the versions of the attributes; nullopt: as they are. Stays where it is until object_changed(). InternalError where a conversion
  // fails.
  rt::Task<Result<View*>> view(rt::Context ctx, std::optional<std::size_t> index);
  // The object of the attributes is another one: every view of it is made anew.
  void object_changed();

 private:
  struct Made {
    View view;
    bool object = false;
    bool old_object = false;
  };
  const AdmissionAttributes& a_;
  std::map<std::optional<std::size_t>, Made> views_;
};

}  // namespace pintle::apiserver::admission::configured
