// The day service of the example: a small HTTP server whose behaviour the tests choose by its environment and by requests.
//
//   GET /            {"service":"day","version":...,"hostname":...,"date":...}
//   GET /health      200 {"status": "healthy"}; 503 while starting, draining or told to be unhealthy
//   GET /slow?ms=N   the same as /, after that time (2000 without N)
//   GET /env?NAME    an environment variable's value
//   POST /unhealthy  /health answers 503 from now on; POST /healthy undoes it
//   POST /exit?N     the process ends with that status, at once
//
// PORT (8001), START_DELAY_MS: starting takes that long; DRAIN_MS (2000): after SIGTERM it goes on serving for that long,
// each connection once more, then waits for requests under way and ends. LOG_LEVEL=debug logs each request.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>

#ifndef DAY_VERSION
#define DAY_VERSION "dev"
#endif

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t request_bytes_max = 16 << 10;  // then the connection is closed
constexpr milliseconds idle_max(60000);              // of a connection

volatile std::sig_atomic_t terminated = 0;
std::atomic<bool> unhealthy = false;
std::atomic<int> busy = 0;  // requests under way
Clock::time_point ready_at;

void on_term(int) { terminated = 1; }

int number(const char* text, int otherwise) { return text != nullptr && *text != 0 ? std::atoi(text) : otherwise; }
int setting(const char* name, int otherwise) { return number(std::getenv(name), otherwise); }

std::string hostname() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[16] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

struct Answer {
  int status = 200;
  std::string body;
};

Answer about() { return {200, R"({"service":"day","version":")" DAY_VERSION R"(","hostname":")" + hostname() + R"(","date":")" + today() + "\"}"}; }

Answer health() {
  if (terminated) return {503, R"({"status": "draining"})"};
  if (Clock::now() < ready_at) return {503, R"({"status": "starting"})"};
  if (unhealthy) return {503, R"({"status": "unhealthy"})"};
  return {200, R"({"status": "healthy"})"};
}

Answer answer(std::string_view method, std::string_view target) {
  const auto question = target.find('?');
  const std::string_view path = target.substr(0, question);
  const std::string query(question == std::string_view::npos ? "" : target.substr(question + 1));
  if (method == "POST") {
    if (path == "/exit") _exit(number(query.c_str(), 1));
    if (path != "/unhealthy" && path != "/healthy") return {404, R"({"error":"not found"})"};
    unhealthy = path == "/unhealthy";
    return {200, "{}"};
  }
  if (method != "GET" && method != "HEAD") return {405, R"({"error":"method not allowed"})"};
  if (path == "/health") return health();
  if (path == "/") return about();
  if (path == "/slow") {
    std::this_thread::sleep_for(milliseconds(query.starts_with("ms=") ? number(query.c_str() + 3, 2000) : 2000));
    return about();
  }
  if (path == "/env") {
    const char* value = std::getenv(query.c_str());
    return value ? Answer{200, value} : Answer{404, ""};
  }
  return {404, R"({"error":"not found"})"};
}

bool send_all(int socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// More bytes of the request; false when the peer is gone or idle for too long. While we drain, what waits here gets its one
// more request answered.
bool receive_some(int socket, std::string& text) {
  const auto give_up = Clock::now() + idle_max;
  while (Clock::now() < give_up) {
    pollfd wait{socket, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(idle_max.count())) <= 0) continue;
    char buffer[4096];
    const ssize_t n = recv(socket, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(n));
    return text.size() <= request_bytes_max;
  }
  return false;
}

std::size_t body_length(std::string_view head) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > 15 && strncasecmp(line.data(), "content-length:", 15) == 0) return static_cast<std::size_t>(std::atoi(line.data() + 15));
  }
  return 0;
}

// One request that stands at the beginning of `text`, whose head ends at `end`; false: the connection ends.
bool serve_one(int socket, std::string_view head, bool debug) {
  const auto first = head.find(' ');
  const auto second = head.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  const std::string_view method = head.substr(0, first);
  const std::string_view target = head.substr(first + 1, second - first - 1);
  const Answer reply = answer(method, target);
  const bool last = terminated || head.find("HTTP/1.0") != std::string_view::npos || head.find("onnection: close") != std::string_view::npos;
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + (reply.status == 200 ? " OK" : " Error") +
                    "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(reply.body.size() + 1) +
                    (last ? "\r\nConnection: close" : "") + "\r\n\r\n";
  if (method != "HEAD") out += reply.body + "\n";
  if (debug)
    std::printf("%.*s %.*s %d\n", static_cast<int>(method.size()), method.data(), static_cast<int>(target.size()), target.data(), reply.status);
  return send_all(socket, out) && !last;
}

void serve_connection(int socket, bool debug) {
  std::string text;
  while (true) {
    std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (!receive_some(socket, text)) break;
      continue;
    }
    const std::size_t whole = end + 4 + body_length(std::string_view(text).substr(0, end));
    if (text.size() < whole) {
      if (!receive_some(socket, text)) break;
      continue;
    }
    ++busy;
    const bool more = serve_one(socket, std::string_view(text).substr(0, end + 2), debug);
    --busy;
    text.erase(0, whole);
    if (!more) break;
  }
  shutdown(socket, SHUT_WR);
  close(socket);
}

int listen_on(int port) {
  const int listener = socket(AF_INET6, SOCK_STREAM, 0);
  const int on = 1, off = 0;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_port = htons(static_cast<uint16_t>(port));
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && listen(listener, 512) == 0) return listener;
  close(listener);
  // A node without IPv6.
  const int v4 = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(v4, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at4{};
  at4.sin_family = AF_INET;
  at4.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(v4, reinterpret_cast<sockaddr*>(&at4), sizeof at4) != 0 || listen(v4, 512) != 0) {
    std::perror("listen");
    std::exit(1);
  }
  return v4;
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  // Signals come in ppoll() alone: none is lost between a look at `terminated` and the wait.
  sigset_t signals, none;
  sigemptyset(&none);
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  struct sigaction action = {};
  action.sa_handler = on_term;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  const char* level = std::getenv("LOG_LEVEL");
  const bool debug = level != nullptr && std::strcmp(level, "debug") == 0;
  const int port = setting("PORT", 8001);
  ready_at = Clock::now() + milliseconds(setting("START_DELAY_MS", 0));
  const int listener = listen_on(port);
  std::printf("day %s on %s listens on %d\n", DAY_VERSION, hostname().c_str(), port);

  Clock::time_point ends = Clock::time_point::max();
  while (Clock::now() < ends) {
    if (terminated && ends == Clock::time_point::max()) {
      std::printf("draining\n");
      ends = Clock::now() + milliseconds(setting("DRAIN_MS", 2000));
    }
    pollfd wait{listener, POLLIN, 0};
    const timespec soon{0, 50'000'000};
    if (ppoll(&wait, 1, terminated ? &soon : nullptr, &none) <= 0) continue;
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(serve_connection, client, debug).detach();
  }
  close(listener);
  while (busy > 0) std::this_thread::sleep_for(milliseconds(10));
  std::printf("done\n");
  std::_Exit(0);
}
