#!/bin/sh
# assemble.sh PROGRAM FOLDER: lays the root of the image out in FOLDER: the program, the libraries that it loads, and what
# these look up.
set -eu
program=$1
root=$2

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/data" "$root/tmp"
cp "$program" "$root/usr/bin/handfast"
# Names stay, for the traces of panics; line numbers are three quarters of the file.
strip --strip-debug "$root/usr/bin/handfast"

# The libraries are lines like `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, the loader `/lib64/ld-linux… (0x…)`.
for library in $(ldd "$program" | sed -n 's|^[^/]*\(/[^ ]*\) (0x[0-9a-f]*)$|\1|p'); do
    mkdir -p "$root$(dirname "$library")"
    cp --dereference "$library" "$root$library"
done

# Whom to trust where a database or a fan-out is reached by TLS.
cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'handfast:x:65532:65532::/data:/usr/bin/handfast' >"$root/etc/passwd"
echo 'handfast:x:65532:' >"$root/etc/group"
chown 65532:65532 "$root/data"
chmod 0700 "$root/data"
chmod 1777 "$root/tmp"
