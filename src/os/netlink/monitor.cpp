#include "os/netlink/monitor.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "os/netlink/message.h"
#include "os/system_error.h"
#include "rt/real/fd.h"
#include "rt/real/real_executor.h"

namespace pintle::os::netlink {
namespace {

constexpr std::size_t receive_bytes = 32 << 10;

}  // namespace

struct Monitor::Impl {
  std::shared_ptr<rt::Fd> socket;

  // Reads all there is. True if something relevant was in it.
  Result<bool> drain(const Relevant& relevant) {
    std::vector<char> buffer(receive_bytes);
    bool found = false;
    while (true) {
      const ssize_t got = ::recv(socket->get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return found;
      if (got < 0 && errno == ENOBUFS) {  // more came than the socket holds
        found = true;
        continue;
      }
      if (got < 0) return system_error(errno, "netlink: monitor");
      std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      while (bytes.size() >= sizeof(nlmsghdr)) {
        nlmsghdr head;
        std::memcpy(&head, bytes.data(), sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) break;
        found |= relevant(head.nlmsg_type, bytes.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN));
        bytes.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), bytes.size()));
      }
    }
  }
};

Monitor::Monitor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Monitor::~Monitor() = default;

Result<std::unique_ptr<Monitor>> Monitor::open(int protocol, uint32_t groups) {
  auto* executor = dynamic_cast<rt::RealExecutor*>(rt::Executor::current_or_null());
  if (!executor) return error(Reason::NotAcceptable, "the kernel is watched on the real runtime only");
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) return system_error(errno, "netlink: socket");
  auto impl = std::make_unique<Impl>();
  impl->socket = rt::Fd::make(*executor, fd);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return system_error(errno, "netlink: bind");
  return std::unique_ptr<Monitor>(new Monitor(std::move(impl)));
}

rt::Task<Result<Unit>> Monitor::wait(rt::Context ctx, Relevant relevant) {
  while (true) {
    CO_TRY(co_await impl_->socket->wait(rt::Fd::Read, ctx));
    CO_TRY_ASSIGN(const bool found, impl_->drain(relevant));
    if (found) co_return Unit{};
  }
}

bool is_table_deletion(uint16_t type, std::string_view payload, std::string_view table) {
  if (type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE)) return false;
  nfgenmsg family{};
  const Attributes attributes = parse_attributes(split_fixed(payload, family));
  std::string_view word = "inet ";
  if (family.nfgen_family == NFPROTO_IPV4) word = "ip ";
  if (family.nfgen_family == NFPROTO_IPV6) word = "ip6 ";
  return table.starts_with(word) && table.substr(word.size()) == text_of(attributes, NFTA_TABLE_NAME);
}

}  // namespace pintle::os::netlink
