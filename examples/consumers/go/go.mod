module example.com/citrix-consumer

go 1.22
