#include "apiserver/registry/cached_versions.h"

#include <optional>
#include <span>
#include <string>

#include "api/codec.h"
#include "apiserver/registry/version_converter.h"
#include "base/check.h"
#include "rt/combine.h"
#include "rt/executor.h"
#include "rt/runtime.h"

namespace pintle::apiserver::registry {

using storage::CachedObjectPtr;

// One state on its way to one version. Its source is held, so that no other takes its address meanwhile.
struct CachedVersions::Flight {
  explicit Flight(CachedObjectPtr from) : source(std::move(from)) {}
  const CachedObjectPtr source;
  rt::Event over;
  // Written once, before `over` is set. Neither: whoever had it gave it up.
  CachedObjectPtr made;
  std::optional<Status> failed;
};

// What one caller has promised to make: those who wait are told, whatever comes.
class CachedVersions::Claims {
 public:
  explicit Claims(CachedVersions& of, unsigned version) : of_(of), version_(version) {}
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;
  ~Claims() {
    while (!places_.empty()) end(nullptr, nullptr);
  }

  struct Place {
    std::size_t at;  // among the caller's objects
    std::shared_ptr<Flight> flight;
  };
  void add(std::size_t at, std::shared_ptr<Flight> flight) { places_.push_back({at, std::move(flight)}); }
  std::span<const Place> places() const { return {places_.data() + done_, places_.size() - done_}; }
  // The first one that is left is over.
  void end(CachedObjectPtr made, const Status* failed) {
    Flight& flight = *places_[done_].flight;
    {
      ThreadLock lock(of_.mutex_);
      of_.flights_.erase({flight.source.get(), version_});
    }
    flight.made = std::move(made);
    if (failed != nullptr) flight.failed = *failed;
    flight.over.set();
    if (++done_ == places_.size()) {
      places_.clear();
      done_ = 0;
    }
  }
  void fail(const Status& why) {
    while (!places_.empty()) end(nullptr, &why);
  }

 private:
  CachedVersions& of_;
  const unsigned version_;
  std::vector<Place> places_;
  std::size_t done_ = 0;
};

CachedVersions::~CachedVersions() = default;

Result<CachedObjectPtr> CachedVersions::cached(const storage::CachedObject& source, api::Object object, const VersionBinding& to) const {
  codec_->metadata(object).resource_version = std::to_string(source.revision());
  TRY_ASSIGN(auto loaded, codec_->load_object(std::move(object), to));
  storage::KeyValue stored;
  stored.key = source.key();
  stored.mod_revision = source.revision();
  stored.create_revision = source.create_revision();
  return CachedObjectPtr(std::make_shared<const storage::CachedObject>(*codec_, stored, std::move(loaded)));
}

rt::Task<Result<Unit>> CachedVersions::keep(Claims& claims, std::vector<CachedObjectPtr>& objects, std::vector<api::Object> converted,
                                            const VersionBinding& to) {
  for (api::Object& object : converted) {
    const Claims::Place place = claims.places().front();
    auto shown = cached(*place.flight->source, std::move(object), to);
    if (!shown) {
      claims.fail(shown.error());
      co_return Unexpected(std::move(shown.error()));
    }
    place.flight->source->keep_converted(to.index, *shown);
    objects[place.at] = *shown;
    claims.end(std::move(*shown), nullptr);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> CachedVersions::make(rt::Context ctx, Claims& claims, std::vector<CachedObjectPtr>& objects, const VersionBinding& to) {
  while (!claims.places().empty()) {
    std::vector<VersionConverter::Item> items;
    std::size_t bytes = 0;
    for (const Claims::Place& place : claims.places()) {
      const storage::CachedObject& source = *place.flight->source;
      if (!items.empty() && (items.size() == converted_objects_max || bytes + source.wire().size() > converted_bytes_max)) break;
      bytes += source.wire().size();
      items.push_back({&resource_->versions().at(source.version()), source.wire()});
    }
    const std::size_t count = items.size();
    auto converted = co_await resource_->definition().converter->convert(ctx, std::move(items), to);
    if (!converted) {
      if (!ctx.done()) claims.fail(converted.error());  // else the next one tries by itself
      co_return Unexpected(std::move(converted.error()));
    }
    CHECK(converted->size() == count, "a converter gives back what it took");
    rt::Task<Result<Unit>> kept = keep(claims, objects, std::move(*converted), to);
    if (bytes > converted_quick_bytes_max) kept = rt::run_on(rt::Executor::current().runtime().long_executor(), std::move(kept));
    CO_TRY(co_await kept);
  }
  co_return Unit{};
}

rt::Task<Result<std::vector<CachedObjectPtr>>> CachedVersions::show(rt::Context ctx, std::vector<CachedObjectPtr> objects, const VersionBinding& to) {
  if (!differ()) co_return objects;
  while (true) {
    Claims claims(*this, to.index);
    std::vector<std::pair<std::size_t, std::shared_ptr<Flight>>> others;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (objects[i]->version() == to.index) continue;
      if (CachedObjectPtr known = objects[i]->converted(to.index)) {
        objects[i] = std::move(known);
        continue;
      }
      ThreadLock lock(mutex_);
      std::shared_ptr<Flight>& flight = flights_[{objects[i].get(), to.index}];
      if (flight) {
        others.emplace_back(i, flight);
      } else {
        flight = std::make_shared<Flight>(objects[i]);
        claims.add(i, flight);
      }
    }
    CO_TRY(co_await make(ctx, claims, objects, to));
    bool again = false;
    for (auto& [place, flight] : others) {
      CO_TRY(co_await flight->over.wait(ctx));
      if (flight->failed) co_return Unexpected(*flight->failed);
      if (flight->made)
        objects[place] = flight->made;
      else
        again = true;
    }
    if (!again) co_return objects;
  }
}

rt::Task<Result<CachedObjectPtr>> CachedVersions::show_one(rt::Context ctx, CachedObjectPtr object, const VersionBinding& to) {
  if (!differ() || object->version() == to.index) co_return object;
  std::vector<CachedObjectPtr> one{std::move(object)};
  CO_TRY_ASSIGN(one, co_await show(ctx, std::move(one), to));
  co_return std::move(one.front());
}

rt::Task<Result<api::Object>> CachedVersions::convert(rt::Context ctx, api::Object object, const VersionBinding& from,
                                                      const VersionBinding& to) const {
  if (!differ() || &from == &to) co_return object;
  std::string json;
  api::encode_json(object.type(), object.data(), json);
  std::vector<VersionConverter::Item> items;
  items.push_back({&from, Bytes(std::move(json))});
  CO_TRY_ASSIGN(auto converted, co_await resource_->definition().converter->convert(ctx, std::move(items), to));
  CHECK(converted.size() == 1, "a converter gives back what it took");
  co_return std::move(converted.front());
}

}  // namespace pintle::apiserver::registry
