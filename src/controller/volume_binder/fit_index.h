// FitIndex: volumes that nobody has, or claims that wait for one, by what a volume and its claim must agree in and then by size: whoever looks
// for a match meets those that may do, the best first, however many others there are. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include "api/gen/core_v1.h"

namespace pintle::controller::volume_binder {

// What of a volume or a claim decides whether they fit, but for labels.
struct Fit {
  std::string kind;   // class, volume mode and attributes class: to be equal
  uint8_t modes = 0;  // a bit for each access mode: those of the claim are among the volume's
  api::Quantity size;
};
Fit fit_of(const api::core_v1::PersistentVolume& volume);
Fit fit_of(const api::core_v1::PersistentVolumeClaim& claim);

class FitIndex {
 public:
  // Asked of one after the other, until it says true.
  using Take = std::function<bool(const std::string& name)>;

  void put(const std::string& name, Fit fit);
  void erase(const std::string& name);
  std::size_t size() const { return fits_.size(); }
  // An index of volumes: as upstream, those with the fewest access modes come first, then the smallest. False: none was taken.
  bool for_claim(const Fit& claim, const Take& take) const;
  // An index of claims: the largest of equal modes come first.
  bool for_volume(const Fit& volume, const Take& take) const;

 private:
  struct Item {
    api::Quantity size;
    std::string name;
    bool operator<(const Item& other) const {
      const auto order = size.compare(other.size);
      return order != 0 ? order < 0 : name < other.name;
    }
  };
  using Shelf = std::tuple<std::string, int, uint8_t>;  // kind, how many access modes, which
  static Shelf shelf_of(const Fit& fit);

  std::map<Shelf, std::set<Item>> shelves_;
  std::unordered_map<std::string, Fit> fits_;  // by name
};

}  // namespace pintle::controller::volume_binder
