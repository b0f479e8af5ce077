// PublishedKind: what OpenAPI documents tell of one version of a kind that a definition brought. Its part of each is made when it is first asked
// for and kept, compressed, as long as the kind is; what all kinds keep together is bounded. Thread-safe.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "apimachinery/discovery/runtime_resources.h"
#include "apimachinery/openapi/documents.h"
#include "apimachinery/schema/structural_schema.h"
#include "apiserver/published/packed.h"
#include "base/mutex.h"

namespace pintle::apiserver::published {

// Of parts of all kinds, packed: some thousand common ones. Beyond it a part is made anew whenever it is sent, one at a time, and shared by those
// who send it at that moment.
constexpr std::size_t kept_parts_bytes_max = 16 << 20;
// What they hold at this moment.
std::size_t kept_parts_bytes();

struct KindFacts {
  std::string group, version, kind, list_kind, plural;
  std::vector<std::string> selectable_fields;
  bool preserve_unknown_fields = false, namespaced = false, status = false, scale = false;
  std::string source;  // differs when anything else here, or the schema, does: the definition's uid and generation
};

// Compressed, and what it counts for.
struct PackedPart {
  Packed paths, definitions;
  ~PackedPart();
  std::size_t counted = 0;
};

class PublishedKind final : public apimachinery::PublishedResource {
 public:
  // `root`: nullptr where there is no structural schema.
  PublishedKind(KindFacts facts, std::shared_ptr<const apimachinery::schema::Node> root);

  const KindFacts& facts() const { return facts_; }
  const std::string& fingerprint() const { return fingerprint_; }

  // Made if it is not kept: a tenth of a millisecond for a common schema, tens for the largest. Off the executors.
  std::shared_ptr<const PackedPart> part(apimachinery::openapi::Form form) const;
  // nullptr if it is not kept, nor being sent.
  std::shared_ptr<const PackedPart> kept(apimachinery::openapi::Form form) const;
  // Of text. {} until it was made once.
  struct Sizes {
    std::size_t paths = 0, definitions = 0;
  };
  Sizes sizes(apimachinery::openapi::Form form) const;

 private:
  struct Slot {
    std::shared_ptr<const PackedPart> kept;
    std::weak_ptr<const PackedPart> live;
    Sizes sizes;
  };
  const KindFacts facts_;
  const std::shared_ptr<const apimachinery::schema::Node> root_;
  const std::string fingerprint_;
  mutable ThreadMutex mutex_;
  mutable std::array<Slot, apimachinery::openapi::part_form_count> slots_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::published
