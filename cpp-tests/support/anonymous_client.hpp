// A client of the C++ layer for the server of a test.
#ifndef TESTS_ANONYMOUS_CLIENT_HPP
#define TESTS_ANONYMOUS_CLIENT_HPP

#include <oss_resumable/oss_resumable.hpp>

#include "local_oss.hpp"

namespace tests {

inline oss_resumable::Client anonymousClient(const LocalOss &oss) {
    oss_resumable::ClientConfiguration configuration;
    configuration.region = "cn-hangzhou";
    configuration.anonymous = true;
    return oss_resumable::Client(oss.endpoint(), configuration);
}

} // namespace tests

#endif
