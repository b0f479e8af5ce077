// CidrSet: the equal parts of an address range, taken and given back. Parts are handed out in order, beginning after the
// last one taken, so that a range just given back rests before it comes again. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/status.h"

namespace pintle::controller::node_ipam {

inline constexpr int subnet_bits_max = 16;  // parts of a range: 65536 nodes

class CidrSet {
 public:
  // BadRequest for a part larger than the range, or too many parts.
  static Result<CidrSet> make(std::string_view range, int part_prefix_bits);
  // Forbidden when every part is taken.
  Result<std::string> take();
  // Taken parts that the last take() passed over.
  std::size_t passed_over() const { return passed_over_; }
  // Marks what a node (or a service range) already has; parts of it may be taken. How many were free; nothing: not of this range.
  std::optional<std::size_t> occupy(std::string_view cidr);
  // How many were taken.
  std::size_t give_back(std::string_view cidr);
  std::string range() const { return range_.to_string(); }
  std::size_t used() const { return used_; }
  bool v6() const { return range_.address.is_v6(); }
  std::size_t size() const { return taken_.size(); }

 private:
  // The parts that `cidr` covers, [first, last); nothing: not of this range.
  std::optional<std::pair<std::size_t, std::size_t>> parts_of(std::string_view cidr) const;
  std::string part(std::size_t i) const;
  std::size_t mark(std::string_view cidr, bool taken);  // how many changed
  IpPrefix range_;
  int part_bits_ = 0;
  std::vector<bool> taken_;
  std::size_t next_ = 0, used_ = 0, passed_over_ = 0;
};

}  // namespace pintle::controller::node_ipam
