#include "controller/objects/revisions.h"

#include "controller/objects/controlled.h"
#include "controller/objects/owner.h"

namespace pintle::controller::objects {

namespace {

// Somebody took the label away: the name still says what it was.
std::string hash_of_name(const std::string& name, const std::string& owner) {
  return name.starts_with(owner + "-") ? name.substr(owner.size() + 1) : name;
}

}  // namespace

Revisions::Revisions(client::Client& client, client::Informers& informers)
    : client_(client), informer_(informers.of<ControllerRevision>()), written_(informer_) {
  index_by_controller(informer_);
}

std::vector<RevisionPtr> Revisions::of(const RevisionOwner& owner) {
  std::vector<RevisionPtr> out;
  for (const RevisionPtr& revision : controlled_by(informer_, owner.metadata->uid)) out.push_back(written_.newest(revision));
  for (const RevisionPtr& revision : of_nobody(owner))
    if (rules::is_controlled_by(revision->metadata, *owner.metadata)) out.push_back(revision);  // adopted, and not seen back
  for (const RevisionPtr& revision : written_.unseen(owner.metadata->namespace_))
    if (rules::is_controlled_by(revision->metadata, *owner.metadata)) out.push_back(revision);
  sort_by_number(out);
  return out;
}

std::vector<RevisionPtr> Revisions::of_nobody(const RevisionOwner& owner) {
  std::vector<RevisionPtr> out;
  for (const RevisionPtr& revision : orphans_in(informer_, owner.metadata->namespace_))
    if (owner.selector.matches(revision->metadata.labels)) out.push_back(written_.newest(revision));
  return out;
}

rt::Task<Result<Unit>> Revisions::adopt(rt::Context ctx, RevisionOwner owner) {
  if (owner.metadata->deletion_timestamp) co_return Unit{};
  for (const RevisionPtr& revision : of_nobody(owner)) {
    if (rules::controller_of(revision->metadata) || revision->metadata.deletion_timestamp) continue;
    auto adopted = co_await adopt_one(ctx, owner, revision.get());
    if (adopted)
      written_.remember(std::move(*adopted));
    else if (adopted.error().reason != Reason::NotFound && adopted.error().reason != Reason::Invalid)
      co_return Unexpected(std::move(adopted).error());
  }
  co_return Unit{};
}

rt::Task<Result<ControllerRevision>> Revisions::adopt_one(rt::Context ctx, RevisionOwner owner, const ControllerRevision* revision) {
  std::string patch = adopt_patch(rules::controller_reference("apps/v1", owner.kind, *owner.metadata), revision->metadata.uid, "");
  co_return co_await client_.patch<ControllerRevision>(std::move(ctx), revision->metadata.namespace_, revision->metadata.name,
                                                       client::PatchType::Strategic, std::move(patch));
}

rt::Task<Result<Unit>> Revisions::label(rt::Context ctx, RevisionOwner owner, std::string hash_label) {
  const std::vector<RevisionPtr> all = of(owner);
  for (const RevisionPtr& revision : all) {
    if (revision->metadata.labels.contains(hash_label)) continue;
    ControllerRevision labelled = *revision;
    labelled.metadata.labels[hash_label] = hash_of_name(labelled.metadata.name, owner.metadata->name);
    auto written = co_await client_.update<ControllerRevision>(ctx, std::move(labelled));
    if (!written) co_return Unexpected(std::move(written).error());
    written_.remember(std::move(*written));
  }
  co_return Unit{};
}

rt::Task<Result<Revisions::Current>> Revisions::ensure(rt::Context ctx, RevisionOwner owner, std::string hash_label) {
  CO_TRY(co_await adopt(ctx, owner));
  if (!hash_label.empty()) CO_TRY(co_await label(ctx, owner, hash_label));
  std::vector<RevisionPtr> all = of(owner);
  // An owner on its way out takes nothing in: its revisions are let go before it has gone, and it makes no others in their place.
  if (owner.metadata->deletion_timestamp)
    for (const RevisionPtr& revision : of_nobody(owner))
      if (rules::controller_of(revision->metadata) == nullptr) all.push_back(revision);
  sort_by_number(all);
  Current current;
  if (!all.empty() && all.back()->data.raw == data_of(*owner.pod_template)) {  // as ever, and nothing is to be read
    current.revision = all.back();
    co_return current;
  }
  for (const RevisionPtr& revision : all)
    if (holds_template(*revision, *owner.pod_template)) current.revision = revision;  // the newest of equal ones
  if (current.revision != nullptr) {
    if (current.revision == all.back() || owner.metadata->deletion_timestamp) co_return current;
    ControllerRevision raised = *current.revision;
    raised.revision = next_number(all);  // a roll-back: the old revision becomes the newest
    auto written = co_await client_.update<ControllerRevision>(std::move(ctx), std::move(raised));
    if (!written) co_return Unexpected(std::move(written).error());
    current.revision = std::make_shared<const ControllerRevision>(*written);
    written_.remember(std::move(*written));
    co_return current;
  }
  ControllerRevision wanted = make_revision(owner, next_number(all), hash_label);
  const std::string name = wanted.metadata.name;
  auto made = co_await client_.create<ControllerRevision>(ctx, std::move(wanted));
  if (!made && made.error().reason == Reason::AlreadyExists) {
    made = co_await client_.get<ControllerRevision>(ctx, owner.metadata->namespace_, name);
    // Let go by a former owner a moment ago, and not seen so.
    if (made && rules::controller_of(made->metadata) == nullptr && owner.selector.matches(made->metadata.labels) &&
        holds_template(*made, *owner.pod_template)) {
      const ControllerRevision left = *made;
      made = co_await adopt_one(ctx, owner, &left);
    }
    if (made && (!rules::is_controlled_by(made->metadata, *owner.metadata) || !holds_template(*made, *owner.pod_template))) {
      current.collision = true;
      co_return current;
    }
  }
  if (!made) co_return Unexpected(std::move(made).error());
  current.revision = std::make_shared<const ControllerRevision>(*made);
  written_.remember(std::move(*made));
  co_return current;
}

rt::Task<Result<Unit>> Revisions::trim(rt::Context ctx, RevisionOwner owner, std::set<std::string> live, int32_t limit) {
  std::vector<RevisionPtr> dead;
  for (RevisionPtr& revision : of(owner))
    if (!live.contains(revision->metadata.name)) dead.push_back(std::move(revision));
  for (std::size_t i = 0; i + static_cast<std::size_t>(std::max(0, limit)) < dead.size(); ++i) {
    auto gone = co_await client_.remove<ControllerRevision>(ctx, dead[i]->metadata.namespace_, dead[i]->metadata.name);
    if (!gone && gone.error().reason != Reason::NotFound) co_return Unexpected(std::move(gone).error());
  }
  co_return Unit{};
}

}  // namespace pintle::controller::objects
