// The other half; see include_twice_a.cpp.
#include <oss_resumable/oss_resumable.hpp>

bool otherHalf() {
    oss_resumable::Client client("ftp://127.0.0.1");
    return !client.isValid() && client.error().Code() == "ValidateError";
}
