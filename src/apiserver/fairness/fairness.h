// Fairness: API priority and fairness. Classifies each request by the flow schemas, gives it seats of its priority level or
// lets it wait for them in a queue, and refuses what cannot wait. Follows the FlowSchema and PriorityLevelConfiguration
// objects through their watch caches and moves seats between levels as they are needed. Thread-safe; an idle one has no timer.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/fairness/flow_schema.h"
#include "apiserver/fairness/level.h"
#include "apiserver/fairness/watch_counts.h"
#include "apiserver/types/resource_reader.h"
#include "base/mutex.h"
#include "component/metrics.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::apiserver::fairness {

// A flow schema in use, with its level.
struct Flow {
  FlowSchema schema;
  std::shared_ptr<PriorityLevel> level;
  std::shared_ptr<FlowStats> stats;
  std::string level_uid;
};
// Immutable. The flows in the order of matching.
struct Configuration {
  std::vector<Flow> flows;
  const Flow* catch_all = nullptr;
};
// What a request belongs to. Keeps what it points to.
struct Classified {
  std::shared_ptr<const Configuration> configuration;
  const Flow* flow = nullptr;
  std::string_view distinguisher;
};

// The seats of one request, from enter() to release(). Lives in its task's frame; not moved.
class Seat : private Guest {
 public:
  enum class Entry : uint8_t { Seated, Waiting, Refused };

  Seat() = default;
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() { release(); }

  // Seated and Refused are final. After Waiting comes wait().
  Entry enter(rt::Clock& clock, Classified classified, uint64_t hash, const UserInfo& user, const RequestInfo& info, const Work& work);
  // Until it is seated (true), the limit has passed or the context is done. Once.
  rt::Task<bool> wait(rt::Context ctx, rt::Duration limit);
  // Gives the seats back; idempotent.
  void release();
  bool seated() const { return seated_; }
  Refusal refusal() const { return refusal_; }

 private:
  struct Sleep;
  rt::Clock* clock_ = nullptr;
  Classified classified_;
  rt::TimePoint seated_at_{};
  bool seated_ = false;
  Refusal refusal_ = Refusal::QueueFull;
};

struct FairnessDeps {
  rt::Runtime& runtime;
  ResourceReader& reader;
  component::metrics::Registry& metrics;
  int seats = 600;  // of the server
};

class Fairness : public std::enable_shared_from_this<Fairness> {
 public:
  static std::shared_ptr<Fairness> make(FairnessDeps deps);

  Classified classify(const UserInfo& user, const RequestInfo& info) const;
  Seat::Entry enter(Seat& seat, Classified classified, const UserInfo& user, const RequestInfo& info, const Work& work);
  WatchCounts& watches() { return watches_; }

  // Flow schemas whose condition Dangling does not say what is so, and mandatory objects that are missing or changed.
  struct Upkeep {
    struct Dangling {
      std::string schema;
      std::string level;
      bool dangling = false;
    };
    std::vector<Dangling> dangling;
    bool operator==(const Upkeep&) const = default;
  };
  Upkeep upkeep() const;
  // Called (on any thread, at no lock) when upkeep() may have changed.
  void on_upkeep(std::function<void()> callback);

  std::vector<std::shared_ptr<PriorityLevel>> levels() const;
  void write_metrics(std::string& out) const;

 private:
  struct StoredSchema {
    FlowSchema compiled;
    std::string dangling;  // the condition's status; "": there is none
    std::string dangling_reason;
  };
  explicit Fairness(FairnessDeps deps);
  void follow();
  void on_schema(const storage::CacheEvent& event);
  void on_level(const storage::CacheEvent& event);
  void digest_soon();
  void digest();
  void digest_levels() REQUIRES(mutex_);
  void digest_flows() REQUIRES(mutex_);
  void share_seats(bool new_period, int64_t periods) REQUIRES(mutex_);
  void note_use();
  void arm();
  void on_period();

  FairnessDeps deps_;
  const uint64_t seed_;
  Metrics metrics_;
  WatchCounts watches_;
  std::atomic<std::shared_ptr<const Configuration>> configuration_;
  std::atomic<bool> digest_pending_ = false;
  std::atomic<bool> used_ = false;  // since the period began
  std::atomic<bool> armed_ = false;
  mutable ThreadMutex mutex_;  // of everything below
  std::map<std::string, StoredSchema> schemas_ GUARDED_BY(mutex_);
  std::map<std::string, LevelSpec> specs_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<PriorityLevel>> levels_ GUARDED_BY(mutex_);
  std::function<void()> on_upkeep_ GUARDED_BY(mutex_);
  rt::TimePoint period_began_ GUARDED_BY(mutex_){};
  double fraction_ GUARDED_BY(mutex_) = 1;
};

// The objects that are there whatever is stored: what keeps the administrator in, and where everything else goes.
LevelSpec mandatory_level(bool exempt);
FlowSchema mandatory_schema(bool exempt);

}  // namespace pintle::apiserver::fairness
