" Vim syntax for Fly, the language of Polar Gosling's Nests.
if exists('b:current_syntax')
  finish
endif

syntax case match

syntax keyword flyBoolean true false
syntax keyword flyRepeat for in if
syntax match flyAttribute /\<[A-Za-z_][A-Za-z0-9_]*\ze\s*=\%(=\)\@!/
syntax match flyBlock /\<[A-Za-z_][A-Za-z0-9_]*\ze\%(\s\+"[^"]*"\)*\s*{/
syntax match flyFunction /\<[A-Za-z_][A-Za-z0-9_]*\ze(/
syntax match flyRoot /\<\%(var\|local\|preset\|egg\|eggsbucket\|provider\|each\)\ze[.\[]/
syntax match flyOperator /=>\|==\|!=\|<=\|>=\|&&\|||\|[-+*%!<>?:=]/

syntax match flyNumber /\<\d[0-9_]*\%(\.\d\+\)\?\>/
syntax match flyNumber /\<\d[0-9_]*\%(\.\d\+\)\?%/
syntax match flyNumber /\<\%(\d[0-9_]*\%(\.\d\+\)\?\%(ms\|[smhd]\)\)\+\>/
syntax match flyNumber /\<\d[0-9_]*\%(\.\d\+\)\?\%([KMGT]i\?B\|B\)\>/

syntax match flyEscape /\\\%([nt"\\]\|u{[0-9A-Fa-f]\+}\)\|\$\${/ contained
syntax region flyInterpolation matchgroup=flyDelimiter start=/\${/ end=/}/ contained contains=TOP
syntax match flySecret /"\@1<=\%(yc-lockbox\|aws-sm\|vault\|env\|store\):\/\// contained
syntax region flyString start=/"/ skip=/\\./ end=/"\|$/ contains=flyEscape,flyInterpolation,flySecret
syntax region flyHeredoc matchgroup=flyDelimiter start=/<<-\?\z([A-Za-z_][A-Za-z0-9_]*\)\s*$/ end=/^\s*\z1\s*$/ contains=flyEscape,flyInterpolation

syntax match flyComment /#.*$/
syntax match flyComment /\/\/.*$/
syntax match flyDocumentation /\/\/\/.*$/
syntax region flyComment start=/\/\*/ end=/\*\//

highlight default link flyBoolean Boolean
highlight default link flyRepeat Repeat
highlight default link flyAttribute Identifier
highlight default link flyBlock Type
highlight default link flyFunction Function
highlight default link flyRoot Special
highlight default link flyOperator Operator
highlight default link flyNumber Number
highlight default link flyEscape SpecialChar
highlight default link flyDelimiter Delimiter
highlight default link flySecret Underlined
highlight default link flyString String
highlight default link flyHeredoc String
highlight default link flyComment Comment
highlight default link flyDocumentation SpecialComment

setlocal commentstring=//\ %s

let b:current_syntax = 'fly'
