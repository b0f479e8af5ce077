#include "os/login_manager.h"

#include <fcntl.h>

#include <deque>

#include "os/real_executor.h"
#include "os/system_bus.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr const char* service = "org.freedesktop.login1";
constexpr const char* path = "/org/freedesktop/login1";
constexpr const char* interface = "org.freedesktop.login1.Manager";

}  // namespace

struct LoginManager::Impl {
  Impl(rt::Runtime& r, const SystemBus& l) : runtime(r), lib(l) {}
  ~Impl() {
    if (bus != nullptr) lib.close(bus);
  }
  Result<Unit> open();
  Result<uint64_t> delay();
  Result<Unit> reload();
  Result<UniqueFd> inhibit(const std::string& who, const std::string& why);
  static int on_signal(sd_bus_message* message, void* impl, sd_bus_error*);

  rt::Runtime& runtime;
  const SystemBus& lib;
  sd_bus* bus = nullptr;  // used by one thread at a time
  std::shared_ptr<rt::Fd> fd;
  std::deque<bool> news;
};

int LoginManager::Impl::on_signal(sd_bus_message* message, void* impl, sd_bus_error*) {
  auto* self = static_cast<Impl*>(impl);
  int goes_down = 0;
  if (self->lib.read_basic(message, 'b', &goes_down) > 0) self->news.push_back(goes_down != 0);
  return 0;
}

Result<Unit> LoginManager::Impl::open() {
  if (const int done = lib.open_system(&bus); done < 0) return Unexpected(bus_error(done, "the system bus"));
  lib.set_timeout(bus, bus_question_time_us);
  if (const int done = lib.match_signal(bus, nullptr, service, path, interface, "PrepareForShutdown", on_signal, this); done < 0)
    return Unexpected(bus_error(done, "logind's signals"));
  return Unit{};
}

Result<uint64_t> LoginManager::Impl::delay() {
  uint64_t micros = 0;
  sd_bus_error said = SD_BUS_ERROR_NULL;
  const int done = lib.get_property(bus, service, path, interface, "InhibitDelayMaxUSec", &said, 't', &micros);
  Result<uint64_t> out = micros;
  if (done < 0) out = Unexpected(bus_error(done, "logind's InhibitDelayMaxUSec", &said));
  lib.free_error(&said);
  return out;
}

Result<Unit> LoginManager::Impl::reload() {
  sd_bus_error said = SD_BUS_ERROR_NULL;
  sd_bus_message* answer = nullptr;
  const int done = lib.call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "KillUnit",
                                   &said, &answer, "ssi", "systemd-logind.service", "all", 1);
  Result<Unit> out = Unit{};
  if (done < 0) out = Unexpected(bus_error(done, "logind's configuration", &said));
  lib.free_error(&said);
  lib.unref(answer);
  return out;
}

Result<UniqueFd> LoginManager::Impl::inhibit(const std::string& who, const std::string& why) {
  sd_bus_error said = SD_BUS_ERROR_NULL;
  sd_bus_message* answer = nullptr;
  int lock = -1;
  int done = lib.call_method(bus, service, path, interface, "Inhibit", &said, &answer, "ssss", "shutdown", who.c_str(), why.c_str(), "delay");
  if (done >= 0) done = lib.read_basic(answer, 'h', &lock);
  // The message closes its own with itself.
  UniqueFd mine(done >= 0 ? ::fcntl(lock, F_DUPFD_CLOEXEC, 3) : -1);
  Result<UniqueFd> out = std::move(mine);
  if (done < 0)
    out = Unexpected(bus_error(done, "logind's lock", &said));
  else if (!*out)
    out = system_error(errno, "logind's lock");
  lib.free_error(&said);
  lib.unref(answer);
  return out;
}

LoginManager::LoginManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoginManager::~LoginManager() = default;

rt::Task<Result<std::unique_ptr<LoginManager>>> LoginManager::connect(rt::Runtime& runtime) {
  CO_TRY_ASSIGN(rt::RealExecutor * executor, real_executor("the system bus is spoken to"));
  std::unique_ptr<Impl> impl;
  Result<Unit> opened = Unit{};
  co_await runtime.run_blocking([&] {
    const auto lib = load_system_bus();
    if (!lib) {
      opened = Unexpected(lib.error());
      return;
    }
    impl = std::make_unique<Impl>(runtime, **lib);
    opened = impl->open();
  });
  if (!opened) co_return Unexpected(std::move(opened).error());
  const int fd = ::fcntl(impl->lib.get_fd(impl->bus), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) co_return system_error(errno, "the system bus");
  impl->fd = rt::Fd::make(*executor, fd);
  co_return std::unique_ptr<LoginManager>(new LoginManager(std::move(impl)));
}

rt::Task<Result<rt::Duration>> LoginManager::delay_max() {
  Result<uint64_t> micros;
  co_await impl_->runtime.run_blocking([&] { micros = impl_->delay(); });
  if (!micros) co_return Unexpected(std::move(micros).error());
  // "infinity" is the largest number.
  constexpr uint64_t year_us = uint64_t{365} * 86400 * 1'000'000;
  co_return std::chrono::microseconds(static_cast<int64_t>(std::min(*micros, year_us)));
}

rt::Task<Result<Unit>> LoginManager::reload_configuration() {
  Result<Unit> done;
  co_await impl_->runtime.run_blocking([&] { done = impl_->reload(); });
  co_return done;
}

rt::Task<Result<UniqueFd>> LoginManager::delay_shutdown(std::string who, std::string why) {
  Result<UniqueFd> lock = UniqueFd();
  co_await impl_->runtime.run_blocking([&] { lock = impl_->inhibit(who, why); });
  co_return std::move(lock);
}

rt::Task<Result<bool>> LoginManager::next(rt::Context ctx) {
  while (true) {
    if (!impl_->news.empty()) {
      const bool goes_down = impl_->news.front();
      impl_->news.pop_front();
      co_return goes_down;
    }
    const int done = impl_->lib.process(impl_->bus, nullptr);
    if (done < 0) co_return Unexpected(bus_error(done, "the system bus"));
    if (done == 0) CO_TRY(co_await impl_->fd->wait(rt::Fd::Read, ctx));
  }
}

}  // namespace pintle::os
