#!/bin/bash
# Builds the packages into build/packages/ (with STATIC=1: build/packages/static/, the agent alone).
# usage: build.sh deb|rpm VERSION     (PACKAGES: a directory to put them into instead)
# The tree is copied to build/packages.work/KIND/ and built there: the repository's top stays as it is, and debs and rpms, which
# are compiled with other flags, do not share objects. The same sources give the same bytes, whatever the directory, the time and the umask.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=$1 version=$2
static=${STATIC:+1}
umask 022
export LC_ALL=C.UTF-8 TZ=UTC

if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH

work=$PWD/build/packages.work/$kind
tree=$work/tsujiban
out=${PACKAGES:-$PWD/build/packages}${static:+/static}
jobs=$(nproc)

# What git knows or would take; without git (a tarball) everything but build/.
sources() {
	git ls-files -co --exclude-standard -z 2>/dev/null || find . -path ./build -prune -o -type f -print0
}

# Of an earlier run only its objects stay: make sees what has changed since.
copy_tree() {
	mkdir -p "$tree" "$out"
	find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	sources | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | tar --null -T - -cf - | tar -xf - -C "$tree"
	chmod -R u=rwX,go=rX "$tree"
}

fill_in() { # TEMPLATE
	sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$(date -d "@$SOURCE_DATE_EPOCH" "$2")/" "$1"
}

# -nc: the objects of an earlier run are kept. The suite is not run: what is tried here are the packages.
build_deb() {
	rm -f "$work"/*.deb "$out"/*.deb
	cp -r packaging/deb "$tree/debian"
	fill_in packaging/deb/changelog.in -R >"$tree/debian/changelog"
	rm "$tree/debian/changelog.in"
	(cd "$tree" && STATIC=$static DEB_BUILD_OPTIONS="parallel=$jobs nocheck noautodbgsym" \
		dpkg-buildpackage -b -nc -us -uc)
	mv "$work"/*.deb "$out"
}

build_rpm() {
	rm -rf "$work/rpm" "$out"/*.rpm
	fill_in packaging/rpm/tsujiban.spec '+%a %b %d %Y' >"$tree/tsujiban.spec"
	(cd "$tree" && rpmbuild -bb --build-in-place --define "_topdir $work/rpm" --define "version_is $version" \
		--define "_smp_mflags -j$jobs" ${static:+--with static} tsujiban.spec)
	mv "$work"/rpm/RPMS/*/*.rpm "$out"
}

mkdir -p "$work"
exec 9>"$work/lock"
flock 9 # one tree, one build at a time
copy_tree
case $kind in
deb) build_deb ;;
rpm) build_rpm ;;
esac
ls -l "$out"/*."$kind"
