#include "rt/sim/machine.h"

#include <algorithm>

namespace pintle::rt {

namespace {
using namespace std::chrono_literals;
constexpr uint16_t first_free_port = 32768;
// The wall clock at virtual time 0: 2026-01-01T00:00:00Z.
constexpr Duration wall_start = std::chrono::seconds(1'767'225'600);
}  // namespace

class Machine::MachineClock final : public Clock {
 public:
  explicit MachineClock(const Machine& machine) : machine_(machine) {}
  TimePoint now() const override { return machine_.scheduler_.now(); }
  WallTime wall_now() const override { return WallTime(wall_start + machine_.scheduler_.now().time_since_epoch() + machine_.options_.clock_offset); }

 private:
  const Machine& machine_;
};

struct Machine::SignalWait {
  std::vector<int> signals;
  int arrived = 0;
  Event event;
};

Machine::Machine(SimScheduler& scheduler, SimNetwork& network, MachineOptions options, uint64_t number)
    : scheduler_(scheduler),
      network_(network),
      options_(std::move(options)),
      clock_(std::make_unique<MachineClock>(*this)),
      random_(scheduler.random().draw()),
      disk_(scheduler, options_.name),
      machine_network_(network, *this),
      last_port_(first_free_port - 1) {
  if (options_.address.empty())
    options_.address = "10." + std::to_string(number >> 16 & 255) + "." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
  network_.add_machine(*this);
  make_executors();
}

Machine::~Machine() = default;

void Machine::make_executors() {
  for (std::size_t i = 0; i < options_.executors; ++i)
    executors_.push_back(std::make_unique<SimExecutor>(scheduler_, *this, options_.name + "." + std::to_string(i)));
}

Task<void> Machine::run_blocking(std::function<void()> work) {
  disk_.collect_delay(true);
  work();
  disk_.collect_delay(false);
  const Duration took = disk_.take_delay();
  (void)co_await sleep_for(Context::background(), took);
}

Result<std::unique_ptr<FileWatcher>> Machine::watch_files(std::vector<std::string> paths) { return disk_.watch(std::move(paths)); }

Task<Result<int>> Machine::wait_signal(Context ctx, std::vector<int> signals) {
  auto wait = std::make_shared<SignalWait>();
  wait->signals = std::move(signals);
  signal_waits_.push_back(wait);
  auto result = co_await wait->event.wait(ctx);
  std::erase(signal_waits_, wait);
  if (!result) co_return Unexpected(std::move(result).error());
  co_return wait->arrived;
}

void Machine::signal(int number) {
  scheduler_.note(name() + " signal " + std::to_string(number));
  bool heard = false;
  for (const auto& wait : signal_waits_) {
    if (std::ranges::find(wait->signals, number) == wait->signals.end()) continue;
    wait->arrived = number;
    wait->event.set();
    heard = true;
  }
  if (!heard) kill(Death::Process);
}

uint16_t Machine::next_port() {
  last_port_ = last_port_ == UINT16_MAX ? first_free_port : static_cast<uint16_t>(last_port_ + 1);
  return last_port_;
}

void Machine::kill(Death death) {
  if (!up_) return;
  scheduler_.note(name() + (death == Death::Power ? " loses power" : " dies"));
  network_.machine_down(*this, death == Death::Power);
  up_ = false;
  ++deaths_;
  signal_waits_.clear();
  for (auto& executor : executors_) {
    executor->kill();
    dead_executors_.push_back(std::move(executor));
  }
  executors_.clear();
  if (death == Death::Power) disk_.power_cut();
}

void Machine::restart() {
  CHECK(!up_, "restart of a machine that is up");
  scheduler_.note(name() + " starts");
  up_ = true;
  ++life_;
  make_executors();
  network_.machine_up(*this);
}

}  // namespace pintle::rt
