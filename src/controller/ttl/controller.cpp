#include "controller/ttl/controller.h"

#include "client/work_queue.h"
#include "controller/ttl/plan.h"

namespace pintle::controller::ttl {

using api::core_v1::Node;

namespace {

constexpr std::string_view annotation = "node.alpha.kubernetes.io/ttl";

class TtlController final : public Controller {
 public:
  explicit TtlController(ControllerDeps deps)
      : deps_(deps),
        nodes_(deps.informers.of<Node>()),
        loop_(deps.loop("ttlcontroller"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Node>::Handler handler;
    handler.on_add = [this](const std::shared_ptr<const Node>& node, bool) {
      count(count_ + 1);
      look_at(*node);
    };
    handler.on_update = [this](const auto&, const std::shared_ptr<const Node>& node) { look_at(*node); };
    handler.on_delete = [this](const auto&) { count(count_ - 1); };
    nodes_.add_handler(std::move(handler));
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void count(std::size_t nodes) {
    count_ = nodes;
    const std::size_t before = std::exchange(step_, step_for(count_, step_));
    if (step_ == before) return;
    for (const auto& node : nodes_.list()) look_at(*node);
  }
  std::string wanted() const { return std::to_string(steps()[step_].seconds); }
  bool is_right(const Node& node) const {
    const std::string* said = node.metadata.annotations.get(annotation);
    return said != nullptr && *said == wanted();
  }
  void look_at(const Node& node) {
    if (!is_right(node)) loop_.queue().add(node.metadata.name);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);

  ControllerDeps deps_;
  client::Informer<Node> nodes_;
  client::ControlLoop loop_;
  std::size_t count_ = 0;
  std::size_t step_ = 0;
};

rt::Task<Result<Unit>> TtlController::sync(rt::Context ctx, std::string key) {
  const auto node = nodes_.get(key);
  if (node == nullptr || is_right(*node)) co_return Unit{};
  std::string patch = "{\"metadata\":{\"annotations\":{\"" + std::string(annotation) + "\":\"" + wanted() + "\"}}}";
  auto written = co_await deps_.client.patch<Node>(std::move(ctx), std::string(), std::move(key), client::PatchType::Strategic, std::move(patch));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_ttl_controller(ControllerDeps deps) { return std::make_unique<TtlController>(std::move(deps)); }

}  // namespace pintle::controller::ttl
