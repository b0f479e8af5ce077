#include <algorithm>
#include <set>

#include "api/gen/authorization_v1.h"
#include "apimachinery/identity/node_user.h"
#include "client/work_queue.h"
#include "component/log.h"
#include "controller/csr/controller.h"
#include "controller/csr/plan.h"
#include "controller/objects/time.h"

namespace pintle::controller::csr {

using api::authorization_v1::SubjectAccessReview;
using CsrPtr = std::shared_ptr<const CertificateSigningRequest>;

namespace {

class Approver final : public Controller {
 public:
  explicit Approver(ControllerDeps deps)
      : deps_(deps), csrs_(deps.informers.of<CertificateSigningRequest>()), nodes_(deps.informers.of<api::core_v1::Node>()),
        loop_(deps.runtime, deps.name, [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<CertificateSigningRequest>::Handler handler;
    handler.on_add = [this](const CsrPtr& csr, bool) { loop_.queue().add(csr->metadata.name); };
    handler.on_update = [this](const CsrPtr&, const CsrPtr& csr) { loop_.queue().add(csr->metadata.name); };
    csrs_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<bool>> may_create(rt::Context ctx, CsrPtr csr, std::string_view subresource);
  rt::Task<Result<Unit>> approve(rt::Context ctx, CsrPtr csr, std::string_view message);
  bool names_only_itself(const CertificateSigningRequest& csr, const component::CertificateInfo& request) const;

  ControllerDeps deps_;
  client::Informer<CertificateSigningRequest> csrs_;
  client::Informer<api::core_v1::Node> nodes_;
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
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return answer->status.allowed;
}

rt::Task<Result<Unit>> Approver::approve(rt::Context ctx, CsrPtr csr, std::string_view message) {
  CertificateSigningRequest copy = *csr;
  api::certificates_v1::CertificateSigningRequestCondition condition;
  condition.type = "Approved";
  condition.status = "True";
  condition.reason = "AutoApproved";
  condition.message = message;
  condition.last_update_time = condition.last_transition_time = to_api_time(deps_.runtime.clock().wall_now());
  copy.status.conditions.push_back(std::move(condition));
  auto done = co_await deps_.client.update_subresource<CertificateSigningRequest>(std::move(ctx), "approval", std::move(copy));
  if (!done && done.error().reason != Reason::NotFound) co_return std::unexpected(std::move(done).error());
  co_return Unit{};
}

// The node's addresses and host names, as its kubelet has reported them; its own name always.
bool Approver::names_only_itself(const CertificateSigningRequest& csr, const component::CertificateInfo& request) const {
  const std::string name(apimachinery::node_of_user(csr.spec.username, csr.spec.groups));
  if (name.empty()) return false;
  std::set<std::string> own = {name};
  if (const auto node = nodes_.get(name))
    for (const auto& address : node->status.addresses) own.insert(address.address);
  const auto is_own = [&](const std::string& text) { return own.contains(text); };
  return std::ranges::all_of(request.dns_names, is_own) && std::ranges::all_of(request.ip_addresses, is_own);
}

rt::Task<Result<Unit>> Approver::sync(rt::Context ctx, std::string key) {
  const CsrPtr csr = csrs_.get(key);
  if (csr == nullptr || !csr->status.certificate.empty() || is_approved(*csr) || is_denied(*csr)) co_return Unit{};
  const auto request = component::parse_certificate_request_pem(csr->spec.request);
  if (!request) co_return Unit{};   // nothing that we could approve
  if (deps_.options.approve_kubelet_serving && is_own_serving_request(*csr, *request)) {
    if (names_only_itself(*csr, *request)) co_return co_await approve(std::move(ctx), csr, "Auto approving kubelet serving certificate for the node's own addresses.");
    co_return error(Reason::Conflict, "certificate request " + key + " names addresses that its node does not report");
  }
  const auto approvals = approvals_for(*csr, *request);
  for (const Approval& approval : approvals) {
    auto allowed = co_await may_create(ctx, csr, approval.subresource);
    if (!allowed) co_return std::unexpected(std::move(allowed).error());
    if (*allowed) co_return co_await approve(std::move(ctx), csr, approval.message);
  }
  if (!approvals.empty()) component::log::info(2, "A kubelet may not have the certificate that it asks for", {{"csr", key}, {"user", csr->spec.username}});
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_csr_approver(ControllerDeps deps) { return std::make_unique<Approver>(std::move(deps)); }

}  // namespace pintle::controller::csr
