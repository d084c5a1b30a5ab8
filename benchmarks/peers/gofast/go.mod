module gofast-client

go 1.21

require github.com/yookoala/gofast v0.8.0

require golang.org/x/tools v0.0.0-20200908211811-12e1bf57a112 // indirect
