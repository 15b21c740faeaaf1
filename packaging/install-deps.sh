#!/bin/sh
# Installs what is missing of what Tsujiban is built, run and tested with, and nothing else.
# usage: install-deps.sh build|package|test|bench     (package and test are more than build, bench more than test)
# As root, or through sudo. apt and dnf.
set -eu

what=${1:-build}
case $what in build | package | test | bench) ;; *)
	echo "usage: $0 build|package|test|bench" >&2
	exit 2
	;;
esac

apt_build="gcc libc6-dev make pkg-config libuv1-dev libssl-dev protobuf-c-compiler libprotobuf-c-dev libzstd-dev
 liblmdb-dev libyaml-dev libroaring-dev libwebsockets-dev libwebsockets-evlib-uv libcurl4-openssl-dev libjansson-dev
 uthash-dev zlib1g-dev libseccomp-dev libcap-ng-dev"
apt_package="debhelper dpkg-dev fakeroot rpm"
apt_test="lintian rpmlint mandoc acl libcap2-bin e2fsprogs libcmocka-dev python3 openssl jq git clang clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
 llvm-14 cppcheck debootstrap libfaketime db5.3-util systemd systemd-container ruby composer"
apt_bench="cpio aide inotify-tools fatrace"

# By the names of their pkg-config files, which are the same wherever rpm is used.
dnf_build="gcc make pkgconf protobuf-c-compiler pkgconfig(libuv) pkgconfig(openssl) pkgconfig(libprotobuf-c)
 pkgconfig(libzstd) pkgconfig(lmdb) pkgconfig(yaml-0.1) pkgconfig(roaring) pkgconfig(libwebsockets)
 pkgconfig(libcurl) pkgconfig(jansson) pkgconfig(zlib) pkgconfig(libseccomp)
 pkgconfig(libcap-ng) uthash-devel"
dnf_package="rpm-build systemd-rpm-macros"
dnf_test="rpmlint mandoc acl libcap e2fsprogs pkgconfig(cmocka) python3 openssl jq git clang clang-tools-extra compiler-rt llvm cppcheck libfaketime systemd systemd-container rubygems composer"
dnf_bench="cpio aide inotify-tools fatrace"

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "cannot install as an ordinary user without sudo: $*" >&2
		exit 1
	fi
}

wanted() { # apt|dnf
	eval "echo \$$1_build"
	[ "$what" = build ] || eval "echo \$$1_package"
	case $what in test | bench) eval "echo \$$1_test" ;; esac
	[ "$what" != bench ] || eval "echo \$$1_bench"
}

if command -v apt-get >/dev/null; then
	missing=
	for package in $(wanted apt); do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || exit 0
	echo "installing:$missing"
	as_root apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
elif command -v dnf >/dev/null; then
	missing=
	for package in $(wanted dnf); do
		rpm -q --whatprovides "$package" >/dev/null 2>&1 || missing="$missing $package"
	done
	[ -n "$missing" ] || exit 0
	echo "installing:$missing"
	# shellcheck disable=SC2086 # a list of words
	as_root dnf install -y -q $missing
else
	echo "neither apt-get nor dnf is here: install these by hand (names as Debian has them): $(wanted apt)" >&2
	exit 1
fi
