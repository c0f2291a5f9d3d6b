/// The BCL's own types, for those who stand in for them.
module internal Uring.Tests.Machine.Real

type File = System.IO.File
type Directory = System.IO.Directory
type Path = System.IO.Path
type Process = System.Diagnostics.Process
