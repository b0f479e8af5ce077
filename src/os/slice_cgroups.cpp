#include "os/slice_cgroups.h"

#include <chrono>
#include <map>
#include <mutex>

#include "base/parse_number.h"
#include "os/service_manager.h"
#include "os/system_bus.h"

namespace pintle::os {

namespace {

constexpr const char* systemd = "org.freedesktop.systemd1";
constexpr const char* systemd_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_exists = "org.freedesktop.systemd1.UnitExists";
constexpr const char* no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr std::chrono::seconds job_limit{30};
constexpr std::string_view slice_suffix = ".slice";
constexpr std::string_view root_slice = "-.slice";
constexpr uint64_t quota_step_us = 10'000;  // systemd's, of a second
constexpr uint64_t second_us = 1'000'000;
constexpr uint64_t default_period_us = 100'000;

uint64_t or_infinity(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : UINT64_MAX; }

uint64_t quota_of_a_second(int64_t quota_us, uint64_t period_us) {
  if (quota_us <= 0 || period_us == 0) return UINT64_MAX;
  const uint64_t exact = static_cast<uint64_t>(quota_us) * second_us / period_us;
  return (exact + quota_step_us - 1) / quota_step_us * quota_step_us;
}

std::string_view parent_slice(std::string_view path) {
  path.remove_suffix(path.size() - path.rfind('/'));
  const std::string_view parent = slice_of(path);
  return parent.empty() ? root_slice : parent;
}

// systemd's manager, asked by one thread at a time.
class UnitManager {
 public:
  static Result<std::unique_ptr<UnitManager>> connect() {
    TRY_ASSIGN(const SystemBus* lib, load_system_bus());
    auto out = std::unique_ptr<UnitManager>(new UnitManager(*lib));
    TRY(out->open());
    return out;
  }
  ~UnitManager() {
    if (bus_ != nullptr) lib_.close(bus_);
  }
  UnitManager(const UnitManager&) = delete;
  UnitManager& operator=(const UnitManager&) = delete;

  Result<Unit> start(std::string_view unit, const std::vector<UnitProperty>& properties) {
    return ask("StartTransientUnit", unit, unit_exists, true, [&](sd_bus_message* call) {
      int done = lib_.append(call, "ss", std::string(unit).c_str(), "replace");
      if (done >= 0) done = append(call, properties);
      return done >= 0 ? lib_.append(call, "a(sa(sv))", 0) : done;
    });
  }
  Result<Unit> set(std::string_view unit, const std::vector<UnitProperty>& properties) {
    return ask("SetUnitProperties", unit, no_such_unit, false, [&](sd_bus_message* call) {
      const int done = lib_.append(call, "sb", std::string(unit).c_str(), 1);
      return done >= 0 ? append(call, properties) : done;
    });
  }
  Result<Unit> stop(std::string_view unit) {
    TRY(ask("StopUnit", unit, no_such_unit, true,
            [&](sd_bus_message* call) { return lib_.append(call, "ss", std::string(unit).c_str(), "replace"); }));
    return ask("ResetFailedUnit", unit, no_such_unit, false, [&](sd_bus_message* call) { return lib_.append(call, "s", std::string(unit).c_str()); });
  }

 private:
  explicit UnitManager(const SystemBus& lib) : lib_(lib) {}

  Result<Unit> open() {
    if (bus_ != nullptr) return Unit{};
    if (const int done = lib_.open_system(&bus_); done < 0) return Unexpected(bus_error(done, "the system bus"));
    lib_.set_timeout(bus_, bus_question_time_us);
    int done = lib_.match_signal(bus_, nullptr, systemd, systemd_path, manager, "JobRemoved", on_job_removed, this);
    sd_bus_error said = SD_BUS_ERROR_NULL;
    if (done >= 0) done = lib_.call_method(bus_, systemd, systemd_path, manager, "Subscribe", &said, nullptr, "");
    Result<Unit> out = Unit{};
    if (done < 0) out = Unexpected(bus_error(done, "systemd", &said));
    lib_.free_error(&said);
    if (done < 0) shut();
    return out;
  }
  void shut() {
    lib_.close(bus_);
    bus_ = nullptr;
  }

  static int on_job_removed(sd_bus_message* message, void* self, sd_bus_error*) {
    auto* const me = static_cast<UnitManager*>(self);
    uint32_t id = 0;
    const char *job = nullptr, *unit = nullptr, *result = nullptr;
    if (me->lib_.read(message, "uoss", &id, &job, &unit, &result) > 0 && me->waits_) me->ended_[job] = result;
    return 0;
  }

  int append(sd_bus_message* call, const std::vector<UnitProperty>& properties) {
    int done = lib_.open_container(call, 'a', "(sv)");
    for (const UnitProperty& one : properties) {
      const char* const name = one.name.c_str();
      if (done < 0) return done;
      if (const auto* flag = std::get_if<bool>(&one.value))
        done = lib_.append(call, "(sv)", name, "b", *flag ? 1 : 0);
      else if (const auto* number = std::get_if<uint64_t>(&one.value))
        done = lib_.append(call, "(sv)", name, "t", *number);
      else if (const auto* text = std::get_if<std::string>(&one.value))
        done = lib_.append(call, "(sv)", name, "s", text->c_str());
      else
        done = lib_.append(call, "(sv)", name, "as", 1, std::get<std::vector<std::string>>(one.value).at(0).c_str());
    }
    return done >= 0 ? lib_.close_container(call) : done;
  }

  // A call, and where it answers with a job the job's end. The error `harmless` is none. A connection that has ended is made anew once.
  template <class Fill>
  Result<Unit> ask(const char* method, std::string_view unit, const char* harmless, bool job, Fill fill) {
    const std::lock_guard lock(mutex_);
    for (bool again = false;; again = true) {
      TRY(open());
      const int done = ask_once(method, unit, harmless, job, fill);
      if (done >= 0) return Unit{};
      const bool broken = done == -ENOTCONN || done == -ECONNRESET || done == -EPIPE;
      if (broken) shut();
      if (!broken || again) return Unexpected(std::move(failure_));
    }
  }
  template <class Fill>
  int ask_once(const char* method, std::string_view unit, const char* harmless, bool job, Fill& fill) {
    sd_bus_message *call = nullptr, *answer = nullptr;
    sd_bus_error said = SD_BUS_ERROR_NULL;
    ended_.clear();
    waits_ = job;
    int done = lib_.new_call(bus_, &call, systemd, systemd_path, manager, method);
    if (done >= 0) done = fill(call);
    if (done >= 0) done = lib_.call(bus_, call, bus_question_time_us, &said, &answer);
    const std::string what = "systemd: " + std::string(method) + " " + std::string(unit);
    if (done < 0 && said.name != nullptr && std::string_view(said.name) == harmless) {
      done = 0;
    } else if (done < 0) {
      failure_ = bus_error(done, what, &said);
    } else if (job) {
      const char* path = nullptr;
      done = lib_.read(answer, "o", &path);
      done = done >= 0 ? wait_for(path, what) : done;
    }
    waits_ = false;
    lib_.free_error(&said);
    lib_.unref(answer);
    lib_.unref(call);
    return done;
  }
  int wait_for(const std::string& job, const std::string& what) {
    const auto until = std::chrono::steady_clock::now() + job_limit;
    while (!ended_.contains(job)) {
      int done = lib_.process(bus_, nullptr);
      const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now()).count();
      if (done >= 0 && left <= 0) done = -ETIMEDOUT;
      if (done == 0) done = lib_.wait(bus_, static_cast<uint64_t>(left));
      if (done >= 0 || done == -EINTR) continue;
      failure_ = bus_error(done, what);
      return done;
    }
    if (ended_[job] == "done") return 0;
    failure_ = {Reason::InternalError, 0, what + ": its job ended as " + ended_[job], {}};
    return -EIO;
  }

  const SystemBus& lib_;
  std::mutex mutex_;
  sd_bus* bus_ = nullptr;
  bool waits_ = false;
  std::map<std::string, std::string> ended_;  // jobs since the question, with their results
  Status failure_;
};

class SliceCgroups final : public Cgroups {
 public:
  SliceCgroups(std::unique_ptr<Cgroups> machine, std::unique_ptr<UnitManager> units) : machine_(std::move(machine)), units_(std::move(units)) {}

  CgroupVersion version() const override { return machine_->version(); }
  bool has_controller(std::string_view controller) const override { return machine_->has_controller(controller); }
  bool limits_swap(const std::string& path) const override { return machine_->limits_swap(path); }
  bool exists(const std::string& path) const override { return machine_->exists(path); }
  Result<std::vector<std::string>> children(const std::string& path) const override { return machine_->children(path); }
  Result<std::vector<pid_t>> processes(const std::string& path) const override { return machine_->processes(path); }
  Result<Unit> attach(const std::string& path, pid_t pid) override { return machine_->attach(path, pid); }
  Result<Unit> kill(const std::string& path) override { return machine_->kill(path); }
  Result<CgroupUsage> usage(const std::string& path) const override { return machine_->usage(path); }
  Result<std::optional<int64_t>> memory_limit(const std::string& path) const override { return machine_->memory_limit(path); }

  Result<Unit> create(const std::string& path) override {
    const std::string_view slice = slice_of(path);
    if (!slice.empty() && !(is_known(path) && machine_->exists(path))) {
      std::vector<UnitProperty> properties = {{"Description", "Pods of Kubernetes"},
                                              {"Wants", std::vector{std::string(parent_slice(path))}},
                                              {"DefaultDependencies", false},
                                              {"CPUAccounting", true},
                                              {"MemoryAccounting", true},
                                              {"TasksAccounting", true}};
      properties.push_back({version() == CgroupVersion::V2 ? "IOAccounting" : "BlockIOAccounting", true});
      TRY(units_->start(slice, properties));
      const std::lock_guard lock(mutex_);
      known_[path] = {};
    }
    return machine_->create(path);  // in the hierarchies that systemd does not use
  }
  Result<Unit> set(const std::string& path, const CgroupLimits& limits) override {
    const std::string_view slice = slice_of(path);
    const std::vector<UnitProperty> properties = slice_properties(limits, version());
    if (!slice.empty() && !properties.empty() && !has(path, properties)) {
      TRY(units_->set(slice, properties));
      const std::lock_guard lock(mutex_);
      if (const auto known = known_.find(path); known != known_.end()) known->second = properties;
    }
    return machine_->set(path, limits);
  }
  Result<Unit> remove(const std::string& path) override {
    const std::string_view slice = slice_of(path);
    if (!slice.empty() && machine_->exists(path)) TRY(units_->stop(slice));
    {
      const std::lock_guard lock(mutex_);
      known_.erase(path);
    }
    return machine_->remove(path);
  }

 private:
  bool is_known(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return known_.contains(path);
  }
  bool has(const std::string& path, const std::vector<UnitProperty>& properties) {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(path);
    return known != known_.end() && known->second == properties;
  }

  const std::unique_ptr<Cgroups> machine_;
  const std::unique_ptr<UnitManager> units_;
  std::mutex mutex_;
  std::map<std::string, std::vector<UnitProperty>> known_;  // what systemd was told last, by path
};

}  // namespace

std::string_view slice_of(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.ends_with(slice_suffix) ? last : std::string_view();
}

std::vector<UnitProperty> slice_properties(const CgroupLimits& limits, CgroupVersion version) {
  const bool v2 = version == CgroupVersion::V2;
  std::vector<UnitProperty> out;
  if (limits.cpu_shares) out.push_back({v2 ? "CPUWeight" : "CPUShares", v2 ? cpu_weight_of_shares(*limits.cpu_shares) : *limits.cpu_shares});
  if (limits.cpu_quota_us)
    out.push_back({"CPUQuotaPerSecUSec", quota_of_a_second(*limits.cpu_quota_us, limits.cpu_period_us.value_or(default_period_us))});
  if (limits.cpu_period_us) out.push_back({"CPUQuotaPeriodUSec", *limits.cpu_period_us});
  if (limits.memory_bytes) out.push_back({v2 ? "MemoryMax" : "MemoryLimit", or_infinity(*limits.memory_bytes)});
  if (limits.pids_max) out.push_back({"TasksMax", or_infinity(*limits.pids_max)});
  static const std::map<std::string, std::string, std::less<>> unified = {
      {"memory.min", "MemoryMin"}, {"memory.low", "MemoryLow"}, {"memory.high", "MemoryHigh"}};
  for (const auto& [file, value] : limits.unified) {
    const auto name = unified.find(file);
    const auto number = parse_number<uint64_t>(value);
    if (v2 && name != unified.end() && (number || value == "max")) out.push_back({name->second, number.value_or(UINT64_MAX)});
  }
  return out;
}

Result<std::unique_ptr<Cgroups>> make_slice_cgroups(std::unique_ptr<Cgroups> machine) {
  if (!has_service_manager()) return error(Reason::NotFound, "systemd does not run this machine");
  TRY_ASSIGN(auto units, UnitManager::connect());
  return std::unique_ptr<Cgroups>(std::make_unique<SliceCgroups>(std::move(machine), std::move(units)));
}

}  // namespace pintle::os
