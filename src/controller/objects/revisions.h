// Revisions: a workload's ControllerRevisions on the server: finds or makes the one of its template, removes old ones.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/informers.h"
#include "controller/objects/history.h"
#include "controller/objects/written.h"

namespace pintle::controller::objects {

class Revisions {
 public:
  Revisions(client::Client& client, client::Informers& informers);

  // Those that the owner controls; older first.
  std::vector<RevisionPtr> of(const RevisionOwner& owner);

  struct Current {
    RevisionPtr revision;
    bool collision = false;  // the name is taken by another template: count it, and come again
  };
  // The revision of the owner's template, with the highest number. Adopts first what a former owner left behind.
  rt::Task<Result<Current>> ensure(rt::Context ctx, RevisionOwner owner, std::string hash_label);
  // Deletes the oldest past `limit`, but for those named in `live`.
  rt::Task<Result<Unit>> trim(rt::Context ctx, RevisionOwner owner, std::set<std::string> live, int32_t limit);

 private:
  std::vector<RevisionPtr> of_nobody(const RevisionOwner& owner);
  rt::Task<Result<Unit>> adopt(rt::Context ctx, RevisionOwner owner);
  rt::Task<Result<ControllerRevision>> adopt_one(rt::Context ctx, RevisionOwner owner, const ControllerRevision* revision);
  // Puts the label back where somebody took it away.
  rt::Task<Result<Unit>> label(rt::Context ctx, RevisionOwner owner, std::string hash_label);

  client::Client& client_;
  client::Informer<ControllerRevision> informer_;
  Written<ControllerRevision> written_;
};

}  // namespace pintle::controller::objects
