#include <algorithm>

#include "api/gen/authorization_v1.h"
#include "apimachinery/identity/node_user.h"
#include "client/work_queue.h"
#include "component/log.h"
#include "controller/csr/controller.h"
#include "controller/csr/node_names.h"
#include "controller/csr/plan.h"
#include "controller/csr/serving_names.h"
#include "controller/objects/time.h"

namespace pintle::controller::csr {

using api::authorization_v1::SubjectAccessReview;
using CsrPtr = std::shared_ptr<const CertificateSigningRequest>;

namespace {

const std::string release_prefix = "/";  // before the name of a deleted node, in the queue; no request's name begins so

// Before the name of a node that never came; alone: look for such names, which this process was not there to count the time of.
const std::string unused_prefix = "//";

constexpr const char* names_index = "names";  // nodes by what they are called, and report

enum class Verdict { Approved, Denied };

class Approver final : public Controller {
 public:
  explicit Approver(ControllerDeps deps)
      : deps_(deps),
        csrs_(deps.informers.of<CertificateSigningRequest>()),
        nodes_(deps.informers.of<api::core_v1::Node>()),
        serving_rules_(deps.options.reserved_serving_names, deps.options.service_cidrs),
        node_names_(deps.client, deps.options.reserved_node_names),
        loop_(deps.loop("certificate"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<CertificateSigningRequest>::Handler handler;
    handler.on_add = [this](const CsrPtr& csr, bool) { loop_.queue().add(csr->metadata.name); };
    handler.on_update = [this](const CsrPtr&, const CsrPtr& csr) { loop_.queue().add(csr->metadata.name); };
    csrs_.add_handler(std::move(handler));
    nodes_.add_index(names_index, [](const api::core_v1::Node& node) { return names_of(node); });
    if (!deps.options.bind_node_names) return;
    client::Informer<api::core_v1::Node>::Handler of_nodes;
    of_nodes.on_delete = [this](const auto& node) { loop_.queue().add(release_prefix + node->metadata.name); };
    nodes_.add_handler(std::move(of_nodes));
  }
  void start() override {
    if (deps_.options.bind_node_names) loop_.queue().add(unused_prefix);
    loop_.start(deps_.workers(5));
  }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<bool>> may_create(rt::Context ctx, CsrPtr csr, std::string_view subresource);
  rt::Task<Result<Unit>> decide(rt::Context ctx, CsrPtr csr, Verdict verdict, std::string reason, std::string message);
  rt::Task<Result<Unit>> sync_name(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> sync_serving(rt::Context ctx, CsrPtr csr, component::CertificateInfo request);
  rt::Task<Result<Unit>> approve_client(rt::Context ctx, CsrPtr csr, component::CertificateInfo request, Approval approval);

  ControllerDeps deps_;
  client::Informer<CertificateSigningRequest> csrs_;
  client::Informer<api::core_v1::Node> nodes_;
  const ServingNameRules serving_rules_;
  NodeNames node_names_;
  client::ControlLoop loop_;
};

rt::Task<Result<bool>> Approver::may_create(rt::Context ctx, CsrPtr csr, std::string_view subresource) {
  SubjectAccessReview review;
  review.spec.user = csr->spec.username;
  review.spec.uid = csr->spec.uid;
  review.spec.groups = csr->spec.groups;
  review.spec.extra = csr->spec.extra;
  auto& attributes = review.spec.resource_attributes.ensure();
  attributes.group = "certificates.k8s.io";
  attributes.resource = "certificatesigningrequests";
  attributes.verb = "create";
  attributes.subresource = subresource;
  attributes.version = "*";
  auto answer = co_await deps_.client.create<SubjectAccessReview>(std::move(ctx), std::move(review));
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return answer->status.allowed;
}

rt::Task<Result<Unit>> Approver::decide(rt::Context ctx, CsrPtr csr, Verdict verdict, std::string reason, std::string message) {
  CertificateSigningRequest copy = *csr;
  api::certificates_v1::CertificateSigningRequestCondition condition;
  condition.type = verdict == Verdict::Approved ? "Approved" : "Denied";
  condition.status = "True";
  condition.reason = std::move(reason);
  condition.message = std::move(message);
  condition.last_update_time = condition.last_transition_time = apimachinery::to_api_time(deps_.runtime.clock().wall_now());
  copy.status.conditions.push_back(std::move(condition));
  auto done = co_await deps_.client.update_subresource<CertificateSigningRequest>(std::move(ctx), "approval", std::move(copy));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> Approver::sync_serving(rt::Context ctx, CsrPtr csr, component::CertificateInfo request) {
  const std::string name(apimachinery::node_of_user(csr->spec.username, csr->spec.groups));
  if (name.empty()) co_return Unit{};
  std::vector<std::shared_ptr<const api::core_v1::Node>> nodes;
  if (auto own = nodes_.get(name)) nodes.push_back(std::move(own));
  for (const std::string& asked : names_of(request))
    for (auto& node : nodes_.by_index(names_index, asked))
      if (std::ranges::find(nodes, node) == nodes.end()) nodes.push_back(std::move(node));
  const auto fault = serving_name_fault(name, request, nodes, serving_rules_);
  if (!fault)
    co_return co_await decide(std::move(ctx), csr, Verdict::Approved, "AutoApproved",
                              "Auto approving kubelet serving certificate for the node's own addresses.");
  if (fault->forbidden) co_return co_await decide(std::move(ctx), csr, Verdict::Denied, "NameNotAllowed", fault->why);
  co_return error(Reason::Conflict, "certificate request " + csr->metadata.name + " of node " + name + ": " + fault->why);
}

rt::Task<Result<Unit>> Approver::approve_client(rt::Context ctx, CsrPtr csr, component::CertificateInfo request, Approval approval) {
  if (deps_.options.bind_node_names) {
    const auto key = component::certificate_request_key_pem(csr->spec.request);
    if (!key) co_return co_await decide(std::move(ctx), csr, Verdict::Denied, "KeyNotSupported", key.error().message);
    NameClaim claim;
    claim.node = apimachinery::node_of_user(request.common_name, request.organizations);  // approvals_for() wants a node's
    claim.key = key->key_id();
    claim.by_node_itself = csr->spec.username == request.common_name;
    claim.node_exists = nodes_.get(claim.node) != nullptr;
    const std::string name = claim.node;
    CO_TRY_ASSIGN(const bool its_own, co_await node_names_.claim(ctx, std::move(claim)));
    if (!its_own) {
      std::string why = "the node name \"" + name +
                        "\" belongs to another key: join under another name (--node-name), or delete the Node first if its machine is gone";
      co_return co_await decide(std::move(ctx), csr, Verdict::Denied, "NodeNameTaken", std::move(why));
    }
    if (nodes_.get(name) == nullptr) loop_.queue().add(unused_prefix + name);
  }
  co_return co_await decide(std::move(ctx), csr, Verdict::Approved, "AutoApproved", std::string(approval.message));
}

// "//": every name; "//NODE": a name that may be unused; "/NODE": that of a Node that was deleted.
rt::Task<Result<Unit>> Approver::sync_name(rt::Context ctx, std::string key) {
  if (key == unused_prefix) {
    CO_TRY_ASSIGN(const auto names, co_await node_names_.held(std::move(ctx)));
    for (const std::string& name : names) loop_.queue().add(unused_prefix + name);
    co_return Unit{};
  }
  const bool unused = key.starts_with(unused_prefix);
  const std::string node = key.substr(unused ? unused_prefix.size() : release_prefix.size());
  if (nodes_.get(node) != nullptr) co_return Unit{};
  if (!unused) co_return co_await node_names_.release(std::move(ctx), node);
  CO_TRY_ASSIGN(const rt::Duration left, co_await node_names_.release_unused(std::move(ctx), node));
  if (left > rt::Duration::zero()) loop_.queue().add_after(key, left);
  co_return Unit{};
}

rt::Task<Result<Unit>> Approver::sync(rt::Context ctx, std::string key) {
  if (key.starts_with(release_prefix)) co_return co_await sync_name(std::move(ctx), key);
  const CsrPtr csr = csrs_.get(key);
  if (csr == nullptr || !csr->status.certificate.empty() || is_approved(*csr) || is_denied(*csr)) co_return Unit{};
  const auto request = component::parse_certificate_request_pem(csr->spec.request);
  if (!request) co_return Unit{};  // nothing that we could approve
  if (deps_.options.approve_kubelet_serving && is_own_serving_request(*csr, *request)) co_return co_await sync_serving(std::move(ctx), csr, *request);
  const auto approvals = approvals_for(*csr, *request);
  for (const Approval& approval : approvals) {
    auto allowed = co_await may_create(ctx, csr, approval.subresource);
    if (!allowed) co_return Unexpected(std::move(allowed).error());
    if (*allowed) co_return co_await approve_client(std::move(ctx), csr, *request, approval);
  }
  if (!approvals.empty())
    component::log::info(2, "A kubelet may not have the certificate that it asks for", {{"csr", key}, {"user", csr->spec.username}});
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_csr_approver(ControllerDeps deps) { return std::make_unique<Approver>(std::move(deps)); }

}  // namespace pintle::controller::csr
