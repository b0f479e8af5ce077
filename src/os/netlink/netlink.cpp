#include "os/netlink/netlink.h"

#include <sys/socket.h>

#include <cerrno>

#include "os/netlink/message.h"
#include "os/system_error.h"

namespace pintle::os::netlink {

namespace {

constexpr std::size_t answer_bytes_max = 256 * 1024;  // one datagram of a dump
constexpr int dump_tries_max = 5;                     // after the kernel says that the dump was interrupted by changes

}  // namespace

Result<Netlink> Netlink::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return system_error(errno, "netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return system_error(errno, "netlink bind");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return Netlink(std::move(fd));
}

namespace {

// What the kernel adds to an error in words, if anything.
std::string extended_text(const nlmsghdr& header, std::string_view payload) {
  if (!(header.nlmsg_flags & NLM_F_ACK_TLVS)) return {};
  nlmsgerr failed{};
  if (payload.size() < sizeof failed) return {};
  std::memcpy(&failed, payload.data(), sizeof failed);
  std::size_t skip = sizeof failed;
  if (!(header.nlmsg_flags & NLM_F_CAPPED)) skip += failed.msg.nlmsg_len - std::min<std::size_t>(failed.msg.nlmsg_len, NLMSG_HDRLEN);
  if (skip >= payload.size()) return {};
  return text_of(parse_attributes(payload.substr(NLMSG_ALIGN(skip))), NLMSGERR_ATTR_MSG);
}

struct Answers {
  std::vector<std::string> messages;  // the payload of each
  bool finished = false;
  bool interrupted = false;
};

// Takes the messages of one datagram that answer `sequence`.
Result<Unit> take_datagram(std::string_view datagram, uint32_t sequence, Answers& out) {
  while (datagram.size() >= NLMSG_HDRLEN) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) return internal("netlink: a message with a wrong length");
    const std::string_view payload = datagram.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_flags & NLM_F_DUMP_INTR) out.interrupted = true;
    if (header.nlmsg_type == NLMSG_DONE) {
      out.finished = true;
    } else if (header.nlmsg_type == NLMSG_ERROR) {
      int failed = 0;
      if (payload.size() >= sizeof failed) std::memcpy(&failed, payload.data(), sizeof failed);
      out.finished = true;
      if (failed != 0) return system_error(-failed, extended_text(header, payload));
    } else {
      out.messages.emplace_back(payload);
    }
  }
  return Unit{};
}

}  // namespace

Result<std::vector<std::string>> Netlink::ask(std::string request, bool dump) {
  for (int tries = 1;; ++tries) {
    const uint32_t sequence = ++sequence_;
    std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
    if (::send(fd_.get(), request.data(), request.size(), 0) < 0) return system_error(errno, "netlink");
    Answers answers;
    std::string buffer(dump ? answer_bytes_max : 32 * 1024, '\0');
    while (!answers.finished) {
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error(errno, "netlink");
      TRY(take_datagram(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), sequence, answers));
    }
    if (!answers.interrupted || tries == dump_tries_max) return std::move(answers.messages);
  }
}

Result<Unit> Netlink::change(std::string request, std::string_view what) {
  auto answer = ask(std::move(request), false);
  if (answer) return Unit{};
  Status status = std::move(answer).error();
  std::string_view text = status.message;
  if (text.starts_with(": ")) text.remove_prefix(2);
  status.message = std::string(what) + ": " + std::string(text);
  return Unexpected(std::move(status));
}

}  // namespace pintle::os::netlink
