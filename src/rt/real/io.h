// The one header of rt that includes asio; for rt/real's .cpp files.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "rt/real/real_executor.h"

namespace pintle::rt {

struct RealExecutor::Io {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  boost::asio::steady_timer timer{context};
};

}  // namespace pintle::rt
