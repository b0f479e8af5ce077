#include "controller/node_ipam/cidr_set.h"

#include <algorithm>

namespace pintle::controller::node_ipam {

namespace {

bool bit(const IpAddress& address, int i) { return (address.bytes[static_cast<std::size_t>(i / 8)] >> (7 - i % 8)) & 1; }
void set_bit(IpAddress& address, int i) { address.bytes[static_cast<std::size_t>(i / 8)] |= static_cast<uint8_t>(1 << (7 - i % 8)); }

}  // namespace

Result<CidrSet> CidrSet::make(std::string_view range, int part_prefix_bits) {
  const auto parsed = parse_prefix(range);
  if (!parsed) return bad_request("invalid CIDR address: " + std::string(range));
  const int bits = part_prefix_bits - parsed->bits;
  if (bits < 0 || part_prefix_bits > static_cast<int>(parsed->address.width_bits()))
    return bad_request("the node mask size must not be smaller than the mask of the cluster CIDR " + std::string(range));
  if (bits > subnet_bits_max) return bad_request("New CIDR set failed; the node CIDR size is too big");
  CidrSet set;
  set.range_ = *parsed;
  set.part_bits_ = part_prefix_bits;
  set.taken_.resize(std::size_t{1} << bits);
  return set;
}

std::string CidrSet::part(std::size_t i) const {
  IpPrefix cidr = range_;
  for (int b = part_bits_ - 1; b >= range_.bits; --b, i >>= 1)
    if (i & 1) set_bit(cidr.address, b);
  cidr.bits = static_cast<uint8_t>(part_bits_);
  return cidr.to_string();
}

std::optional<std::pair<std::size_t, std::size_t>> CidrSet::parts_of(std::string_view text) const {
  const auto cidr = parse_prefix(text);
  if (!cidr || cidr->address.family != range_.address.family) return std::nullopt;
  if (cidr->bits <= range_.bits) {  // covers the range, or lies elsewhere
    if (!cidr->contains(range_.address)) return std::nullopt;
    return std::pair(std::size_t{0}, taken_.size());
  }
  if (!range_.contains(cidr->address)) return std::nullopt;
  std::size_t first = 0;
  for (int b = range_.bits; b < part_bits_; ++b) first = first << 1 | static_cast<std::size_t>(b < cidr->bits && bit(cidr->address, b));
  return std::pair(first, first + (std::size_t{1} << std::max(0, part_bits_ - cidr->bits)));
}

Result<std::string> CidrSet::take() {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const std::size_t candidate = (next_ + i) % taken_.size();
    if (taken_[candidate]) continue;
    taken_[candidate] = true;
    ++used_;
    passed_over_ = i;
    next_ = (candidate + 1) % taken_.size();
    return part(candidate);
  }
  return error(Reason::Forbidden, "CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range");
}

std::size_t CidrSet::mark(std::string_view cidr, bool taken) {
  std::size_t changed = 0;
  if (const auto parts = parts_of(cidr))
    for (std::size_t i = parts->first; i < parts->second; ++i) {
      changed += taken_[i] != taken;
      taken_[i] = taken;
    }
  return changed;
}

std::optional<std::size_t> CidrSet::occupy(std::string_view cidr) {
  if (!parts_of(cidr)) return std::nullopt;
  const std::size_t changed = mark(cidr, true);
  used_ += changed;
  return changed;
}

std::size_t CidrSet::give_back(std::string_view cidr) {
  const std::size_t changed = mark(cidr, false);
  used_ -= changed;
  return changed;
}

}  // namespace pintle::controller::node_ipam
